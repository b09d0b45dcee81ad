"""A payment attempt: the shell around its pure functions. It lives under its tenant, mints its one-time token, and publishes
the token's card once it is committed."""

from datetime import datetime
from typing import Any

from actors.env import ActorEnv
from actors.merchant.messages import BRAND, Seller
from actors.model.decision import AddressKey, Decision
from actors.model.ids import PAYMENT
from actors.model.intents import RequestStart
from actors.model.rows import TokenRow, VaultRow
from actors.model.token import IdToken, TokenCard
from actors.payment import facts, messages, state
from actors.payment.decide import decide
from actors.payment.messages import OpenAttempt, Quote
from actors.payment.minting import new_text
from actors.payment.rows import redacted
from actors.payment.sca import policy_of
from actors.payment.state import PaymentState
from actors.payment.turn import Turn
from actors.ports import MerchantCard
from actors.station.letters import Order, OrderEnded
from actors.station.sealing import order_of
from runtime.actor import Actor, Context

CENTRAL = "Central"
"""What OCPP 2.x calls a token that the central system made."""


class PaymentActor(Actor[PaymentState]):
    kind = PAYMENT
    state_type = PaymentState
    fact_type = facts.PaymentFact
    durable_type = (
        messages.OpenAttempt | messages.RefundPayment | messages.EvseClaimed | messages.EvseRefused | messages.SessionBegan
        | messages.SessionEnded | messages.CostTold | messages.AccountLost | OrderEnded
        | messages.LookDue | messages.StartDue | messages.GuardDue | messages.AgainDue | messages.RetryDue | messages.ExcessDue
        | messages.WatchDue
    )  # fmt: skip

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)
        self._minter = _VaultMinter(self._here, env)

    def initial(self) -> PaymentState:
        return PaymentState()

    def apply(self, state_: PaymentState, fact: Any) -> PaymentState:
        return state.apply(state_, fact)

    def redact(self, state: PaymentState) -> Any:
        return redacted(state)

    def patience(self, state: PaymentState) -> float | None:
        return self._env.limits.payment_idle

    def decide(self, state: PaymentState, message: Any, now: datetime) -> Decision:
        card = self._env.snapshots.tenant(self._here[0])
        turn = Turn(
            self._here,
            state,
            now,
            self._env.limits,
            minter=self._minter,
            policy=policy_of(card.settings if card is not None else {}),
            deal=self._deal(message),
            platform=self._env.platforms.of(self._here[0]),
        )
        return decide(turn, message)

    def _deal(self, message: Any) -> facts.Deal | None:
        """Needed only where an attempt is opened; from then on it is in the facts."""
        if not isinstance(message, OpenAttempt) or not isinstance(message.order, Quote):
            return None
        card = self._env.snapshots.merchant(self._here[0], message.order.merchant)
        platform = self._env.platforms.of(self._here[0])
        if card is None or platform is None or not card.open_on(platform):
            return None
        return facts.Deal(
            card.id,
            card.account,
            card.seller.country,
            card.commission_percent,
            card.commission_vat_percent,
            card.sells,
            card.partners,
            card.min_minor,
            self._seller(card),
            platform,
        )

    def _seller(self, card: MerchantCard) -> Seller:
        """Whom the pay page names: the brand, where it sells in its own name at the merchant's stations."""
        brand = self._env.snapshots.merchant(self._here[0], BRAND) if card.sells == BRAND else None
        return card.seller if brand is None else brand.seller

    def released(self, state: PaymentState, decision: Decision) -> None:
        for row in decision.rows:
            if isinstance(row, TokenRow):
                # Rows keep types as text; the row was made of a token that carries the narrow ones.
                card = TokenCard(row.ref, row.type, row.status, row.masked, None, row.expires, row.payment, row.terms)  # type: ignore[arg-type]
                self._env.snapshots.put_token(row.tenant, card)


class _VaultMinter:
    """`actors/payment/turn.Minter` over the vault."""

    def __init__(self, here: AddressKey, env: ActorEnv) -> None:
        self._here = here
        self._env = env

    def mint(self) -> tuple[IdToken, VaultRow]:
        text = new_text(self._env.token_bytes)
        token = self._env.vault.token(self._here[0], text, CENTRAL)
        return token, self._env.vault.seal(self._here[0], token.ref, "token", text)

    def start(self, order: str, sealed: VaultRow, evse: int, not_after: datetime) -> Order:
        intent = RequestStart(self._env.vault.open(sealed), evse, token_type=CENTRAL)
        return order_of(self._env.vault, self._here[0], order, intent, not_after, self._here)
