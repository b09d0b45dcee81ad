"""Every call of Stripe's API that is played, with the package's type of its parameters and the ones that have an effect here."""

import re
from collections.abc import Callable

import msgspec
from stripe import params as v1
from stripe.params import checkout as checkout_params
from stripe.params.v2 import core as v2

from gateways.payments.sandbox import (
    accounts,
    checkout,
    disputes,
    intents,
    methods,
    oauth,
    payouts,
    records,
    refunds,
    transfers,
)  # fmt: skip
from gateways.payments.sandbox.calls import Call, getter, lister, updater
from gateways.payments.sandbox.errors import Obj

_LIST = frozenset({"limit", "starting_after", "ending_before", "created", "expand"})
_GET = frozenset({"expand"})


class Route(msgspec.Struct, frozen=True):
    """`played`: dotted names of parameters, each with all that lies below it; None: all of the type's. `kind` None: the call has
    a shape of its own and checks it itself."""

    method: str
    path: re.Pattern[str]
    kind: type | None
    handler: Callable[[Call], Obj]
    played: frozenset[str] | None
    json: bool = False
    platform: bool = False


def _route(
    method: str, path: str, kind: type | None, handler: Callable[[Call], Obj], played: str | frozenset[str] | None = None,
    *, json: bool = False, platform: bool = False,
) -> Route:  # fmt: skip
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
    names = frozenset(played.split()) | _GET if isinstance(played, str) else played
    return Route(method, pattern, kind, handler, names, json, platform)


_SESSION = (
    "mode ui_mode line_items.price_data.currency line_items.price_data.unit_amount line_items.price_data.product_data"
    " line_items.price_data.tax_behavior line_items.quantity success_url cancel_url expires_at client_reference_id customer"
    " customer_email customer_creation locale metadata allowed_payment_method_types payment_intent_data.capture_method"
    " payment_intent_data.application_fee_amount payment_intent_data.metadata payment_intent_data.setup_future_usage"
    " payment_intent_data.description payment_intent_data.transfer_group payment_intent_data.statement_descriptor_suffix"
    " payment_method_options.card.request_three_d_secure payment_method_options.card.setup_future_usage"
    " wallet_options.link.display submit_type billing_address_collection phone_number_collection.enabled"
    " adaptive_pricing.enabled automatic_tax.enabled"
)
_INTENT = (
    "amount currency capture_method application_fee_amount customer payment_method allowed_payment_method_types confirm"
    " off_session setup_future_usage metadata description transfer_group statement_descriptor_suffix return_url"
    " payment_method_options.card.request_three_d_secure"
)
_ACCOUNT = "country email business_type metadata controller capabilities business_profile type"

ROUTES: tuple[Route, ...] = (
    # what is paid
    _route("POST", "/v1/checkout/sessions", checkout_params.SessionCreateParams, checkout.create, _SESSION),
    _route("GET", "/v1/checkout/sessions", checkout_params.SessionListParams, checkout.listed,
           _LIST | {"payment_intent", "customer", "status"}),
    _route("GET", "/v1/checkout/sessions/{id}", checkout_params.SessionRetrieveParams, checkout.retrieve),
    _route("POST", "/v1/checkout/sessions/{id}", checkout_params.SessionUpdateParams, checkout.update, "metadata"),
    _route("GET", "/v1/checkout/sessions/{id}/line_items", checkout_params.SessionListLineItemsParams, checkout.line_items),
    _route("POST", "/v1/checkout/sessions/{id}/expire", checkout_params.SessionExpireParams, checkout.expire),
    _route("POST", "/v1/payment_intents", v1.PaymentIntentCreateParams, intents.create, _INTENT),
    _route("GET", "/v1/payment_intents", v1.PaymentIntentListParams, lister("payment_intent", "customer"),
           _LIST | {"customer"}),
    _route("GET", "/v1/payment_intents/search", v1.PaymentIntentSearchParams, intents.searcher("payment_intent")),
    _route("GET", "/v1/payment_intents/{id}", v1.PaymentIntentRetrieveParams, getter("payment_intent"), "client_secret"),
    _route("POST", "/v1/payment_intents/{id}", v1.PaymentIntentUpdateParams, updater("payment_intent", "description"),
           "metadata description"),
    _route("POST", "/v1/payment_intents/{id}/confirm", v1.PaymentIntentConfirmParams, intents.confirm,
           "payment_method off_session return_url"),
    _route("POST", "/v1/payment_intents/{id}/capture", v1.PaymentIntentCaptureParams, intents.capture,
           "amount_to_capture application_fee_amount metadata"),
    _route("POST", "/v1/payment_intents/{id}/cancel", v1.PaymentIntentCancelParams, intents.cancel, "cancellation_reason"),
    _route("GET", "/v1/charges", v1.ChargeListParams, lister("charge", "payment_intent", "customer", "transfer_group"),
           _LIST | {"payment_intent", "customer", "transfer_group"}),
    _route("GET", "/v1/charges/search", v1.ChargeSearchParams, intents.searcher("charge")),
    _route("GET", "/v1/charges/{id}", v1.ChargeRetrieveParams, getter("charge")),
    # what goes back
    _route("POST", "/v1/refunds", v1.RefundCreateParams, refunds.create,
           "charge payment_intent amount reason metadata refund_application_fee reverse_transfer"),
    _route("GET", "/v1/refunds", v1.RefundListParams, lister("refund", "charge", "payment_intent"),
           _LIST | {"charge", "payment_intent"}),
    _route("GET", "/v1/refunds/{id}", v1.RefundRetrieveParams, getter("refund")),
    _route("POST", "/v1/refunds/{id}", v1.RefundUpdateParams, updater("refund"), "metadata"),
    _route("GET", "/v1/application_fees", v1.ApplicationFeeListParams, lister("application_fee", "charge"),
           _LIST | {"charge"}),
    _route("GET", "/v1/application_fees/{id}", v1.ApplicationFeeRetrieveParams, refunds.get_fee),
    _route("POST", "/v1/application_fees/{id}/refunds", v1.ApplicationFeeCreateRefundParams, refunds.create_fee_refund,
           "amount metadata"),
    _route("GET", "/v1/application_fees/{id}/refunds", v1.ApplicationFeeListRefundsParams, refunds.list_fee_refunds,
           _LIST - {"created"}),
    _route("GET", "/v1/disputes", v1.DisputeListParams, disputes.listed, _LIST | {"charge", "payment_intent"}),
    _route("GET", "/v1/disputes/{id}", v1.DisputeRetrieveParams, getter("dispute")),
    _route("POST", "/v1/disputes/{id}", v1.DisputeUpdateParams, disputes.update, " ".join(
        ["metadata", "submit", *(f"evidence.{name}" for name in sorted(disputes.FILES | disputes.TEXTS))])),
    _route("POST", "/v1/disputes/{id}/close", v1.DisputeCloseParams, disputes.close),
    # what goes on
    _route("POST", "/v1/transfers", v1.TransferCreateParams, transfers.create,
           "amount currency destination description metadata source_transaction transfer_group"),
    _route("GET", "/v1/transfers", v1.TransferListParams, lister("transfer", "destination", "transfer_group"),
           _LIST | {"destination", "transfer_group"}),
    _route("GET", "/v1/transfers/{id}", v1.TransferRetrieveParams, getter("transfer")),
    _route("POST", "/v1/transfers/{id}", v1.TransferUpdateParams, updater("transfer", "description"), "metadata description"),
    _route("POST", "/v1/transfers/{id}/reversals", v1.TransferCreateReversalParams, transfers.reverse,
           "amount metadata description refund_application_fee"),
    _route("GET", "/v1/transfers/{id}/reversals", v1.TransferListReversalsParams, transfers.list_reversals, _LIST - {"created"}),
    _route("GET", "/v1/transfers/{id}/reversals/{sub}", v1.TransferRetrieveReversalParams, transfers.get_reversal),
    _route("POST", "/v1/payouts", v1.PayoutCreateParams, payouts.create,
           "amount currency description metadata method statement_descriptor"),
    _route("GET", "/v1/payouts", v1.PayoutListParams, lister("payout", "status"), _LIST | {"status"}),
    _route("GET", "/v1/payouts/{id}", v1.PayoutRetrieveParams, getter("payout")),
    _route("POST", "/v1/payouts/{id}", v1.PayoutUpdateParams, updater("payout"), "metadata"),
    _route("POST", "/v1/payouts/{id}/cancel", v1.PayoutCancelParams, payouts.cancel),
    _route("GET", "/v1/balance", v1.BalanceRetrieveParams, records.get_balance),
    _route("GET", "/v1/balance_transactions", v1.BalanceTransactionListParams, payouts.list_lines,
           _LIST | {"payout", "currency", "source", "type"}),
    _route("GET", "/v1/balance_transactions/{id}", v1.BalanceTransactionRetrieveParams, getter("balance_transaction")),
    # who pays
    _route("POST", "/v1/customers", v1.CustomerCreateParams, methods.create_customer,
           "email name phone description metadata preferred_locales"),
    _route("GET", "/v1/customers", v1.CustomerListParams, lister("customer", "email"), _LIST | {"email"}),
    _route("GET", "/v1/customers/{id}", v1.CustomerRetrieveParams, getter("customer")),
    _route("POST", "/v1/customers/{id}", v1.CustomerUpdateParams, updater("customer", "email", "name", "phone", "description"),
           "email name phone description metadata"),
    _route("DELETE", "/v1/customers/{id}", v1.CustomerDeleteParams, methods.delete_customer),
    _route("GET", "/v1/customers/{id}/payment_methods", v1.CustomerListPaymentMethodsParams, methods.list_methods,
           _LIST - {"created"} | {"type"}),
    _route("GET", "/v1/payment_methods", v1.PaymentMethodListParams, methods.list_methods,
           _LIST - {"created"} | {"customer", "type"}),
    _route("GET", "/v1/payment_methods/{id}", v1.PaymentMethodRetrieveParams, getter("payment_method")),
    _route("POST", "/v1/payment_methods/{id}/attach", v1.PaymentMethodAttachParams, methods.attach_method, "customer"),
    _route("POST", "/v1/payment_methods/{id}/detach", v1.PaymentMethodDetachParams, methods.detach_method),
    # who is paid
    _route("GET", "/v1/account", v1.AccountRetrieveCurrentParams, accounts.retrieve),
    _route("POST", "/v1/accounts", v1.AccountCreateParams, accounts.create, _ACCOUNT),
    _route("GET", "/v1/accounts", v1.AccountListParams, accounts.listed, _LIST, platform=True),
    _route("GET", "/v1/accounts/{id}", v1.AccountRetrieveParams, accounts.retrieve),
    _route("POST", "/v1/accounts/{id}", v1.AccountUpdateParams, accounts.update, "email business_type metadata capabilities"),
    _route("GET", "/v1/accounts/{id}/capabilities", v1.AccountListCapabilitiesParams, accounts.list_capabilities),
    _route("GET", "/v1/accounts/{id}/capabilities/{sub}", v1.AccountRetrieveCapabilityParams, accounts.get_capability),
    _route("POST", "/v1/account_links", v1.AccountLinkCreateParams, accounts.create_link,
           "account type return_url refresh_url collection_options", platform=True),
    _route("POST", "/v2/core/accounts", v2.AccountCreateParams, accounts.create_v2,
           "configuration.merchant.capabilities.card_payments configuration.recipient.capabilities.stripe_balance"
           " contact_email dashboard defaults display_name identity.country identity.entity_type include metadata",
           json=True, platform=True),
    _route("GET", "/v2/core/accounts/{id}", v2.AccountRetrieveParams, accounts.retrieve_v2, "include", platform=True),
    _route("POST", "/v2/core/account_links", v2.AccountLinkCreateParams, accounts.create_link_v2, None, json=True,
           platform=True),
    _route("POST", "/oauth/token", None, oauth.token),
    _route("POST", "/oauth/deauthorize", None, oauth.deauthorize),
    # what is told
    _route("GET", "/v1/events", v1.EventListParams, records.list_events, _LIST | {"delivery_success", "type", "types"}),
    _route("GET", "/v1/events/{id}", v1.EventRetrieveParams, getter("event")),
    _route("POST", "/v1/files", v1.FileCreateParams, records.create_file, "file purpose"),
    _route("GET", "/v1/files/{id}", v1.FileRetrieveParams, getter("file")),
    _route("POST", "/v1/webhook_endpoints", v1.WebhookEndpointCreateParams, records.create_endpoint,
           "url enabled_events connect api_version metadata description", platform=True),
    _route("GET", "/v1/webhook_endpoints", v1.WebhookEndpointListParams, lister("webhook_endpoint"),
           _LIST - {"created"}, platform=True),
    _route("GET", "/v1/webhook_endpoints/{id}", v1.WebhookEndpointRetrieveParams, getter("webhook_endpoint"), platform=True),
    _route("POST", "/v1/webhook_endpoints/{id}", v1.WebhookEndpointUpdateParams, records.update_endpoint,
           "url enabled_events disabled", platform=True),
    _route("DELETE", "/v1/webhook_endpoints/{id}", v1.WebhookEndpointDeleteParams, records.delete_endpoint, platform=True),
)  # fmt: skip


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    for route in ROUTES:
        if route.method == method:
            match = route.path.fullmatch(path)
            if match is not None:
                return route, match.groupdict()
    return None
