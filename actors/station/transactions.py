"""A station's transaction messages on their way to a session: the station admits them from memory, puts beside them what
the session needs (the place, the token's verdict, the tariff, whether we asked for the start), and forwards.

`routing.py` says to whom; this gathers what it says it with.
"""

from datetime import datetime

from actors.env import ActorEnv
from actors.merchant.rows import merchant_at
from actors.model.decision import Decision
from actors.model.ids import digest, session_address, session_id_for_transaction
from actors.model.token import IdToken, TokenVerdict
from actors.ports import MerchantCard, TariffCard, TenantCard
from actors.session.messages import MarkUnreadable, Place
from actors.station import messages, routing
from actors.station.decide import Station
from actors.station.lane import Lane
from actors.station.preparing import NumberedStart, NumberedUnreadable
from actors.station.presence import Presence
from actors.station.state import StationState
from actors.station.verdicts import notes, verdict
from actors.wallet.sizing import Funded, with_funds

_UNKNOWN_TENANT = messages.NotAdmitted("SecurityError", "the tenant is unknown")


class Transactions:
    __slots__ = ("_env", "_here", "_lane", "_placed_by", "_places", "_presence", "_routes")

    def __init__(self, env: ActorEnv, here: Station, presence: Presence, lane: Lane, routes: routing.Routes) -> None:
        self._env = env
        self._here = here
        self._presence = presence
        self._lane = lane
        self._routes = routes
        self._places: dict[tuple[int, int], Place] = {}
        self._placed_by: TenantCard | None = None

    def start(self, state: StationState, numbered: NumberedStart, now: datetime) -> Decision:
        start = numbered.start
        refused = self._presence.refusal(state, messages.TransactionStart, now)
        card = self._tenant_card()
        if refused is not None or card is None:
            return Decision(reply=refused or _UNKNOWN_TENANT)
        tariff = self._agreed(start.token)
        if tariff is None and state.tariff is not None:
            tariff = self._env.snapshots.tariff(self._here.tenant, state.tariff, start.at)
        judged = with_funds(self._verdict(start.token, now, start.evse), numbered.funded)
        return routing.route_start(
            self._place(state, card, start.evse, start.connector),
            state,
            start,
            numbered.number,
            judged,
            tariff,
            self._lane.was_remote(start.token.ref, start.evse, now),
            now,
            self._seller(judged),
        )

    def event(
        self,
        state: StationState,
        event: messages.TransactionEvent,
        now: datetime,
        number: int = 0,
        funded: Funded | None = None,
    ) -> Decision:
        """The tariff goes along where the session may need it: with what may open it, with its start, and with a token whose
        driver agreed to one."""
        refused = self._presence.refusal(state, messages.TransactionEvent, now)
        card = self._tenant_card()
        if refused is not None or card is None:
            return Decision(reply=refused or _UNKNOWN_TENANT)
        tariff = None if event.token is None else self._agreed(event.token)
        if tariff is None and state.tariff is not None and (number or event.type == "Started"):
            tariff = self._env.snapshots.tariff(self._here.tenant, state.tariff, event.at)
        evse = event.evse or 0
        judged = with_funds(self._verdict(event.token, now, event.evse), funded) if event.token is not None else None
        return routing.route_event(
            self._place(state, card, evse, event.connector or 1 if evse else 0),
            state,
            event,
            number,
            judged,
            tariff,
            self._was_remote(event, now),
            card.settings,
            notes(self._env.snapshots, self._here, event.token) if event.token is not None else None,
            now,
            self._seller(judged) if judged is not None else None,
        )

    def _agreed(self, token: IdToken) -> TariffCard | None:
        """The very version that the driver was shown, where the token was made for one who was."""
        card = self._env.snapshots.token(self._here.tenant, token.ref)
        terms = card.terms if card is not None else None
        if terms is None or terms.agreed is None:
            return None
        return self._env.snapshots.tariff(self._here.tenant, terms.agreed.tariff, terms.agreed.at)

    def _seller(self, judged: TokenVerdict) -> MerchantCard | None:
        """Who sells here, where a wallet pays: its terms are those of the start."""
        if not judged.payment.startswith("wallet:"):
            return None
        return merchant_at(self._env.snapshots, self._here.tenant, self._here.id)

    def _was_remote(self, event: messages.TransactionEvent, now: datetime) -> bool:
        """By its number; a station that leaves it out, by token, EVSE and time. A number that we gave out before a crash is
        forgotten here, and still ours."""
        if event.remote_start_id is not None:
            self._lane.explains(event.remote_start_id)
            return True
        if event.type != "Started" or event.token is None:
            return False
        return self._lane.was_remote(event.token.ref, event.evse or 0, now)

    def meter(self, state: StationState, meter: messages.TransactionMeter, now: datetime) -> Decision:
        refused = self._presence.refusal(state, messages.TransactionMeter, now)
        if refused is not None:
            return Decision(reply=refused)
        route = self._routes.get(meter.number) if meter.number is not None else None
        return routing.route_meter(self._here, state, meter, route, now)

    def stop(self, state: StationState, stop: messages.TransactionStop, now: datetime, ahead: tuple[str, ...] = ()) -> Decision:
        """`ahead`: the station's open sessions, where the stop names none."""
        refused = self._presence.refusal(state, messages.TransactionStop, now)
        card = self._tenant_card()
        if refused is not None or card is None:
            return Decision(reply=refused or _UNKNOWN_TENANT)
        route = self._routes.get(stop.number)
        judged = self._verdict(stop.token, now) if stop.token is not None else None
        where = self._place(state, card, route.evse, route.connector) if route else self._place(state, card, 0, 0)
        return routing.route_stop(where, stop, route, ahead, judged, now, self._env.limits)

    def unreadable(self, state: StationState, numbered: NumberedUnreadable) -> Decision:
        """The session it concerns, if one is known, else a session of its own keeps it for an operator."""
        message, card = numbered.unreadable, self._tenant_card()
        if not state.registered or card is None:
            return Decision(reply=messages.NotAdmitted("SecurityError", "this station is not registered"))
        route = self._routes.get(numbered.number)
        if message.transaction_id is not None:
            session = session_id_for_transaction(self._here.id, message.transaction_id)
        else:
            session = route.session if route else "x" + digest("unreadable", self._here.id, message.dead_letter)
        where = self._place(state, card, message.evse or 0, 1 if message.evse else 0)
        mark = MarkUnreadable(
            message.dead_letter, message.kind, where, numbered.number, message.at,
            message.transaction_id or "", message.with_token,
        )  # fmt: skip
        return Decision(forward=(session_address(self._here.tenant, session), mark))

    def forget_places(self) -> None:
        """The station was changed."""
        self._places.clear()

    def _place(self, state: StationState, card: TenantCard, evse: int, connector: int) -> Place:
        if card is not self._placed_by:
            self._places.clear()
            self._placed_by = card
        if not 0 <= evse <= state.evses:  # whatever number the station made up: shown, not remembered
            sane = 0 < evse <= self._env.limits.largest_evse
            return routing.place(self._here, state, card, evse if sane else 0, connector if sane else 0)
        found = self._places.get((evse, connector))
        if found is None:
            found = self._places[evse, connector] = routing.place(self._here, state, card, evse, connector)
        return found

    def _tenant_card(self) -> TenantCard | None:
        return self._env.snapshots.tenant(self._here.tenant)

    def _verdict(self, token: IdToken, now: datetime, evse: int | None = None) -> TokenVerdict:
        return verdict(self._env.snapshots, self._here, token, now, evse)
