"""Asking a wallet before a station is answered: what it holds for the session is durable before the reply.

Only tokens that a wallet pays are asked for; for every other one there is nothing here to wait for. A wallet that cannot be
asked in time keeps no transaction from being recorded: the session then asks by letter (actors/session/payer.py).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

from actors.env import ActorEnv
from actors.model.decision import Refused
from actors.model.ids import session_id_for_start, session_id_for_transaction, wallet_address
from actors.model.token import IdToken, TokenStatus
from actors.station import messages as m
from actors.station.decide import Station
from actors.station.state import StationState
from actors.station.verdicts import verdict
from actors.wallet.messages import HoldGranted
from actors.wallet.sizing import Funded, asked_for, funds_of, size
from runtime.errors import ActorError
from runtime.store import StoreAway

Ask = Callable[..., Awaitable[Any]]
"""runtime.system.System.ask."""
_WALLET = "wallet:"
_STATUS: dict[str, TokenStatus | Literal[""]] = {"blocked": "Blocked", "ended": ""}
"""Why a wallet holds nothing -> the token's status; NoCredit for all else."""


class Wallets:
    __slots__ = ("_ask", "_env", "_here")

    def __init__(self, env: ActorEnv, here: Station, ask: Ask | None) -> None:
        self._env = env
        self._here = here
        self._ask = ask

    def pays(self, token: IdToken | None) -> bool:
        """Is there a wallet to ask?"""
        return token is not None and self._wallet_of(token) is not None

    def _wallet_of(self, token: IdToken) -> str | None:
        card = self._env.snapshots.token(self._here.tenant, token.ref)
        if card is None or self._ask is None or not card.payment.startswith(_WALLET):
            return None
        return card.payment[len(_WALLET) :]

    async def start(self, state: StationState, start: m.TransactionStart, now: datetime) -> Funded | None:
        session = session_id_for_start(self._here.id, start.evse, start.token.ref, start.meter_start_wh, start.at)
        return await self.funded(state, start.token, start.evse, now, session, start.at)

    async def event(self, state: StationState, event: m.TransactionEvent, now: datetime) -> Funded | None:
        """Not for a token that ends a transaction: it need not be the one that pays."""
        if event.token is None or event.type == "Ended" or event.trigger == "StopAuthorized":
            return None
        session = session_id_for_transaction(self._here.id, event.transaction_id)
        return await self.funded(state, event.token, event.evse, now, session, event.at)

    async def funded(
        self, state: StationState, token: IdToken, evse: int | None, now: datetime, session: str = "", at: datetime | None = None
    ) -> Funded | None:
        """None where no wallet pays, or the token is not good anyway."""
        wallet = self._wallet_of(token)
        if wallet is None or self._ask is None:
            return None
        snapshots, tenant = self._env.snapshots, self._here.tenant
        if not verdict(snapshots, self._here, token, now, evse).accepted:
            return None
        tariff = snapshots.tariff(tenant, state.tariff, at or now) if state.tariff is not None else None
        sized = size(tariff, state.location, self._env.limits)
        asked = asked_for(token.ref, self._here.id, session, sized)
        try:
            answer = await self._ask(wallet_address(tenant, wallet), asked, deadline=self._env.limits.hold_patience)
        except (ActorError, StoreAway):
            return Funded()
        if isinstance(answer, HoldGranted):
            return Funded(funds_of(answer, sized))
        assert isinstance(answer, Refused), "a wallet grants or refuses"
        return Funded(status=_STATUS.get(answer.code, "NoCredit"))
