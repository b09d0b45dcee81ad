"""This node's end of the transport: asks that leave, requests that arrive, duplicates that are recognised."""

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec
import outcome
import trio

from runtime.address import Address
from runtime.errors import ActorError, ActorStopped, AskCycle, DeadlineExceeded
from runtime.mailbox import Envelope
from runtime.transport import Request, Transport

if TYPE_CHECKING:
    from runtime.system import System


class Wake(msgspec.Struct, frozen=True):
    """To a node instead of a message: letters wait for this actor of yours."""


class _Answer:
    __slots__ = ("known", "value")

    def __init__(self) -> None:
        self.known = trio.Event()
        self.value: outcome.Value[Any] | outcome.Error | None = None


class Remote:
    def __init__(self, system: "System", transport: Transport) -> None:
        self._system = system
        self.transport = transport
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    # -- leaving

    async def ask(self, to: Address, message: Any, deadline: float, correlation: str, chain: tuple[Address, ...]) -> Any:
        if to in chain:
            raise AskCycle(to, f"{' > '.join(map(str, chain))} wait already for it")
        node = self.transport.route(to)
        assert node is not None
        request = self._request(to, message, deadline, correlation, chain)
        with trio.move_on_after(deadline):
            return await self.transport.ask(node, request)
        raise DeadlineExceeded(to, f"no answer to {type(message).__name__} from node {node}")

    def forward(self, to: Address, envelope: Envelope) -> None:
        """The reply slot stays here, a task of this node waits for the other's answer."""
        self._system.background(self._forwarded, to, envelope)

    async def _forwarded(self, to: Address, envelope: Envelope) -> None:
        slot = envelope.slot
        assert slot is not None
        slot.to = to
        left = max(0.0, slot.expires - self._system.clock.monotonic())
        try:
            slot.resolve(await self.ask(to, envelope.message, left, envelope.correlation, slot.chain))
        except ActorError as error:
            slot.fail(error)
        except LookupError as error:
            slot.fail(ActorError(to, str(error)))

    def tell(self, to: Address, envelope: Envelope) -> bool:
        node = self.transport.route(to)
        assert node is not None
        return self.transport.tell(node, self._request(to, envelope.message, None, envelope.correlation, ()))

    def wake(self, to: Address) -> None:
        self.tell(to, Envelope(Wake()))

    def _request(self, to: Address, message: Any, timeout: float | None, correlation: str, chain: tuple[Address, ...]) -> Request:
        return Request(id=self._system.new_id(), to=to, message=message, timeout=timeout, correlation=correlation, chain=chain)

    # -- arriving (called by the transport)

    async def receive(self, request: Request) -> Any:
        """Decide a request once, however often it arrives; every copy gets the one answer."""
        if request.timeout is None:
            self._told(request)
            return None
        answer = self._answers.get(request.id)
        if answer is None:
            answer = self._answers[request.id] = _Answer()
            while len(self._answers) > self._system.limits.remembered_requests:
                self._answers.popitem(last=False)
            await self._decide(request, answer)
        else:
            await answer.known.wait()
        assert answer.value is not None
        if isinstance(answer.value, outcome.Error):
            raise answer.value.error
        return answer.value.value

    async def _decide(self, request: Request, answer: _Answer) -> None:
        assert request.timeout is not None
        system = self._system
        try:
            value = await system.ask_here(request.to, request.message, request.timeout, request.correlation, request.chain)
            answer.value = outcome.Value(value)
        except Exception as error:
            answer.value = outcome.Error(error)
        except BaseException:
            answer.value = outcome.Error(ActorStopped(request.to, "its node goes down"))
            raise
        finally:
            answer.known.set()

    def _told(self, request: Request) -> None:
        try:
            if isinstance(request.message, Wake):
                self._system.wake_for_letters(request.to)
            else:
                self._system.tell(request.to, request.message, correlation=request.correlation)
        except (LookupError, ActorStopped) as error:  # a tell is nobody's business any more: another release, a node going down
            self._system.notice("tell_without_actor", str(error), request.to)
