"""A network that loses, doubles and delays, for simulating several nodes in one process.

Part of the shipped testing kit: the nodes are real Systems, their clocks and schedules those of the test, and the network draws
its luck from one seeded random. A lost request or reply is simply never answered: the asker's deadline notices.
"""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

import outcome
import trio

from runtime.address import Address
from runtime.errors import ActorStopped
from runtime.transport import Request

if TYPE_CHECKING:
    from runtime.system import System


class SimulatedNetwork:
    """`owner(address)` says on which node an actor lives. Shares are probabilities per message and direction."""

    def __init__(
        self, owner: Callable[[Address], str], random: Random, *, loss: float = 0.0, duplication: float = 0.0, delay: float = 0.0
    ) -> None:
        self.owner = owner
        self.loss = loss
        self.duplication = duplication
        self.delay = delay
        self.lost = 0
        self.doubled = 0
        self._random = random
        self._nodes: dict[str, System] = {}
        self._nursery: trio.Nursery | None = None

    def transport(self, node: str) -> "SimulatedTransport":
        return SimulatedTransport(self, node)

    def join(self, system: "System") -> None:
        """The node named `system.node` receives from now on; a later one of that name replaces it, but gets nothing that was
        sent to its predecessor: a connection belongs to one process life."""
        self._nodes[system.node] = system

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    async def carry_ask(self, node: str, request: Request) -> Any:
        system = self._nodes.get(node)
        answered = trio.Event()
        answers: list[outcome.Value[Any] | outcome.Error] = []

        async def copy() -> None:
            await self._travel()
            answer = await self._ask(system, request)
            if not self._unlucky():
                await self._travel()
                answers.append(answer)
                answered.set()

        self._send(copy)
        await answered.wait()
        return answers[0].unwrap()

    def carry_tell(self, node: str, request: Request) -> None:
        system = self._nodes.get(node)

        async def copy() -> None:
            await self._travel()
            if system is not None:
                await system.remote.receive(request)

        self._send(copy)

    def _send(self, copy: Callable[[], Any]) -> None:
        assert self._nursery is not None, "the network is not running"
        if self._unlucky():
            return
        self._nursery.start_soon(copy)
        if self._random.random() < self.duplication:
            self.doubled += 1
            self._nursery.start_soon(copy)

    async def _ask(self, system: "System | None", request: Request) -> "outcome.Value[Any] | outcome.Error":
        if system is None:
            return outcome.Error(ActorStopped(request.to, "its node never joined"))
        try:
            return outcome.Value(await system.remote.receive(request))
        except Exception as error:
            return outcome.Error(error)

    async def _travel(self) -> None:
        await trio.sleep(self.delay * 2 * self._random.random())

    def _unlucky(self) -> bool:
        unlucky = self._random.random() < self.loss
        self.lost += unlucky
        return unlucky


class SimulatedTransport:
    """One node's end of it (runtime.transport.Transport)."""

    __slots__ = ("_network", "_node")

    def __init__(self, network: SimulatedNetwork, node: str) -> None:
        self._network = network
        self._node = node

    def route(self, address: Address) -> str | None:
        owner = self._network.owner(address)
        return None if owner == self._node else owner

    async def ask(self, node: str, request: Request) -> Any:
        return await self._network.carry_ask(node, request)

    def tell(self, node: str, request: Request) -> bool:
        self._network.carry_tell(node, request)
        return True
