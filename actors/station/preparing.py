"""What a decision of the station's actor needs besides its state, looked up before the turn: the session of a transaction
number, the number that a new session would get, the sessions that are open, a command in the station's own words.

What was looked up travels with the message, in the wrappers below; they are volatile, like everything here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.env import ActorEnv
from actors.model.decision import Refused
from actors.model.intents import RequestStart
from actors.ports import NumberedSession
from actors.station import commands, messages
from actors.station.decide import Station
from actors.station.lane import Lane, Rendered
from actors.station.paying import Wallets
from actors.station.routing import Routes
from actors.station.state import StationState
from actors.wallet.sizing import Funded

_NUMBER_DIGITS = 10
"""Of a transaction number: 31 bits."""


class NumberedStart(msgspec.Struct, frozen=True, gc=False):
    """A start with the transaction number it gets if it is none of the retries."""

    start: messages.TransactionStart
    number: int
    funded: Funded | None = None


class Unnumbered(msgspec.Struct, frozen=True, gc=False):
    """A stop without a usable number, and the station's open sessions."""

    stop: messages.TransactionStop
    ahead: tuple[str, ...]


class NumberedUnreadable(msgspec.Struct, frozen=True, gc=False):
    unreadable: messages.Unreadable
    number: int


class NumberedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of a transaction whose session may not exist yet, with the number that this would get."""

    event: messages.TransactionEvent
    number: int
    funded: Funded | None = None


class FundedAuthorize(msgspec.Struct, frozen=True, gc=False):
    """An authorisation, and what the token's wallet said."""

    authorize: messages.Authorize
    funded: Funded | None


class Unregistering(msgspec.Struct, frozen=True, gc=False):
    message: messages.Unregister
    open_sessions: int


NEEDS_PREPARE = frozenset(
    {
        messages.Authorize,
        messages.TransactionStart,
        messages.TransactionMeter,
        messages.TransactionStop,
        messages.TransactionEvent,
        messages.Unreadable,
        messages.Command,
        messages.Unregister,
    }
)


class Preparing:
    __slots__ = ("_env", "_here", "_lane", "_now", "_routes", "_wallets")

    def __init__(
        self, env: ActorEnv, here: Station, routes: Routes, lane: Lane, wallets: Wallets, now: Callable[[], datetime]
    ) -> None:
        self._env = env
        self._here = here
        self._routes = routes
        self._lane = lane
        self._wallets = wallets
        self._now = now

    def at_once(self, message: Any) -> Any:
        """Events, meter values and stops of a transaction whose route is known wait for nothing, nor do tokens that no wallet
        pays; None for all else."""
        kind = type(message)
        if kind is messages.TransactionEvent:
            known = message.type != "Started" and self._routes.knows(message.transaction_id)
            return message if known and not self._wallets.pays(message.token) else None
        if kind is messages.Authorize:
            return None if self._wallets.pays(message.token) else message
        if kind is messages.TransactionMeter:
            number = message.number
            return message if number is None or not self._routes.needs_lookup(number) else None
        if kind is messages.TransactionStop:
            return message if message.number > 0 and not self._routes.needs_lookup(message.number) else None
        return None

    async def look_up(self, state: StationState, message: Any) -> Any:
        """The message as it goes to its decision."""
        if isinstance(message, messages.TransactionMeter):
            if message.number is not None:
                await self._find_route(message.number)
            return message
        if isinstance(message, messages.TransactionStart):
            number = await self._env.numbers.take()
            funded = await self._wallets.start(state, message, self._now()) if self._wallets.pays(message.token) else None
            return NumberedStart(message, number, funded)
        if isinstance(message, messages.TransactionStop):
            if message.number <= 0:
                return Unnumbered(message, tuple(found.session for found in await self._open_sessions()))
            await self._find_route(message.number)
            return message
        if isinstance(message, messages.TransactionEvent):
            known = message.type != "Started" and self._routes.knows(message.transaction_id)
            number = 0 if known else await self._env.numbers.take()
            funded = await self._wallets.event(state, message, self._now()) if self._wallets.pays(message.token) else None
            return NumberedEvent(message, number, funded)
        if isinstance(message, messages.Authorize):
            return FundedAuthorize(message, await self._wallets.funded(state, message.token, None, self._now()))
        if isinstance(message, messages.Command):
            return await self._paid_for(state, self._lane.render(state, await self._in_own_words(message)))
        if isinstance(message, messages.Unregister):
            return Unregistering(message, len(await self._open_sessions()))
        return await self._unreadable(message)

    async def _paid_for(self, state: StationState, rendered: Rendered) -> Rendered:
        """A remote start of a token that a wallet pays goes out once the wallet has held something for it."""
        intent = rendered.command.intent
        if not isinstance(intent, RequestStart) or not isinstance(rendered.answer, messages.WireCall):
            return rendered
        token = self._env.vault.token(self._here.tenant, intent.id_token)
        if not self._wallets.pays(token):
            return rendered
        funded = await self._wallets.funded(state, token, intent.evse, self._now())
        if funded is None or funded.funds is not None:
            return rendered
        detail = "the token's wallet has nothing to pay with" if funded.status else "the token's wallet cannot be asked now"
        return msgspec.structs.replace(rendered, answer=Refused("no_credit", detail))

    async def _in_own_words(self, command: messages.Command) -> messages.Command:
        """A transaction may be named by our number, in 1.6 words, or as the station calls it, in those of 2.x: the station
        gets its own."""
        named = commands.transaction_named(command.intent)
        own = await self._own_transaction(named) if named is not None else None
        if own is None or own == named:
            return command
        return msgspec.structs.replace(command, intent=commands.about_transaction(command.intent, own))

    async def _own_transaction(self, named: str) -> str | None:
        """How the station calls the transaction; None where nobody knows it. Its own names go before our numbers."""
        if self._routes.knows(named):
            return named
        number = int(named) if named.isascii() and named.isdecimal() and len(named) <= _NUMBER_DIGITS else 0
        known = self._routes.get(number)
        if known is None:
            lookups, tenant = self._env.lookups, self._here.tenant
            known = await lookups.session_by_transaction(tenant, self._here.id, named)
            if known is None and number:
                known = await lookups.session_by_number(tenant, number)
        return known.transaction_id or None if known is not None and known.station == self._here.id else None

    async def _find_route(self, number: int) -> None:
        if not self._routes.needs_lookup(number):
            return
        found = await self._env.lookups.session_by_number(self._here.tenant, number)
        if found is not None and found.station == self._here.id:
            self._routes.learn(found)
        else:
            self._routes.learn_foreign(number)

    async def _open_sessions(self) -> Sequence[NumberedSession]:
        """Complete: what was acknowledged is committed, and this reads what is committed."""
        return await self._env.lookups.open_sessions(self._here.tenant, self._here.id)

    async def _unreadable(self, message: messages.Unreadable) -> NumberedUnreadable:
        if message.number is not None:
            await self._find_route(message.number)
            return NumberedUnreadable(message, message.number)
        return NumberedUnreadable(message, await self._env.numbers.take() if message.kind in ("start", "event") else 0)
