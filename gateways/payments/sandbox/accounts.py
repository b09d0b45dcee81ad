"""Accounts: the brand's own and the connected ones, in the words of v1 and of v2, and the pages on which a holder is known.

One account is one object (v1's); v2 shows the same account in other words. It comes to life on the onboarding page: until then
nothing is enabled and `requirements.currently_due` says what is wanted.
"""

from datetime import UTC, datetime

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.calls import Call, page
from gateways.payments.sandbox.errors import Obj, Refusal, invalid, missing
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World

DUE = ("business_profile.url", "external_account", "representative.first_name", "tos_acceptance.date")
_CURRENCIES = {
    "GB": "gbp", "CH": "chf", "CZ": "czk", "DK": "dkk", "HU": "huf", "NO": "nok", "PL": "pln", "SE": "sek", "US": "usd",
    "RO": "ron",
}  # fmt: skip


def _requirements(due: tuple[str, ...]) -> Obj:
    return {
        "alternatives": [], "current_deadline": None, "currently_due": list(due),
        "disabled_reason": "requirements.past_due" if due else None, "errors": [], "eventually_due": list(due),
        "past_due": list(due), "pending_verification": [],
    }  # fmt: skip


def new_account(
    world: World, *, country: str, identity: str | None = None, params: Obj | None = None, made_by: str = "v1", done: bool = False
) -> Obj:
    """`made_by`: v1, v2 or oauth (an account of its own that gave us access). `done`: known to Stripe, everything enabled."""
    params = params or {}
    given = params.get("controller") or {}
    oauth = made_by == "oauth"
    controller: Obj = {
        "fees": {"payer": given.get("fees", {}).get("payer", "account")}, "is_controller": not oauth,
        "losses": {"payments": given.get("losses", {}).get("payments", "stripe")},
        "requirement_collection": given.get("requirement_collection", "stripe"),
        "stripe_dashboard": {"type": given.get("stripe_dashboard", {}).get("type", "full")}, "type": "application",
    }  # fmt: skip
    asked = [name for name, one in (params.get("capabilities") or {}).items() if one.get("requested")]
    capabilities = dict.fromkeys(asked or ["card_payments", "transfers"], "inactive")
    account: Obj = {
        "id": identity or world.new_id("acct"), "object": "account",
        "business_profile": {"annual_revenue": None, "estimated_worker_count": None, "mcc": None, "name": None,
                             "product_description": None, "support_address": None, "support_email": None,
                             "support_phone": None, "support_url": None, "url": None},
        "business_type": params.get("business_type"), "capabilities": capabilities, "charges_enabled": False,
        "controller": {"type": "account"} if oauth else controller, "country": country, "created": world.now(),
        "default_currency": _CURRENCIES.get(country, "eur"), "details_submitted": False, "email": params.get("email"),
        "external_accounts": {"object": "list", "data": [], "has_more": False, "url": ""},
        "future_requirements": _requirements(()), "metadata": metadata(params.get("metadata")), "payouts_enabled": False,
        "requirements": _requirements(DUE), "settings": _SETTINGS, "tos_acceptance": {"date": None},
        "type": "standard" if oauth else "none", "_connected": True, "_may_owe": False, "_made_by": made_by,
    }  # fmt: skip
    account["external_accounts"]["url"] = f"/v1/accounts/{account['id']}/external_accounts"
    world.add(account["id"], account)
    if done:
        complete(world, account)
    return account


_SETTINGS: Obj = {
    "bacs_debit_payments": {"display_name": None, "service_user_number": None},
    "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
    "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
    "card_payments": {"decline_on": {"avs_failure": False, "cvc_failure": False}, "statement_descriptor_prefix": None,
                      "statement_descriptor_prefix_kana": None, "statement_descriptor_prefix_kanji": None},
    "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
    "payments": {"statement_descriptor": None, "statement_descriptor_kana": None, "statement_descriptor_kanji": None},
    "payouts": {"debit_negative_balances": True, "schedule": {"delay_days": 3, "interval": "daily"},
                "statement_descriptor": None},
}  # fmt: skip


def complete(world: World, account: Obj, *, emit: bool = False) -> None:
    """The holder has told everything: capabilities become active."""
    account.update(
        details_submitted=True, charges_enabled="card_payments" in account["capabilities"], payouts_enabled=True,
        requirements=_requirements(()), tos_acceptance={"date": world.now()},
    )  # fmt: skip
    before = dict(account["capabilities"])
    account["capabilities"] = dict.fromkeys(before, "active")
    world.save(account)
    if emit:
        told(world, account, [name for name, status in before.items() if status != "active"])


def change(world: World, account: Obj, fields: Obj) -> None:
    """The control API: `charges_enabled`, `payouts_enabled`, `capabilities` {name: status}, `due` [field, ...]."""
    for name in ("charges_enabled", "payouts_enabled", "details_submitted"):
        if name in fields:
            account[name] = bool(fields[name])
    if "due" in fields:
        account["requirements"] = _requirements(tuple(fields["due"]))
    changed: dict[str, str] = dict(fields.get("capabilities", {}))
    account["capabilities"].update(changed)
    world.save(account)
    told(world, account, list(changed))


def told(world: World, account: Obj, capabilities: list[str]) -> None:
    world.emit(account["id"], "account.updated", account)
    for name in capabilities:
        world.emit(account["id"], "capability.updated", _capability(account, name))


def _capability(account: Obj, name: str) -> Obj:
    return {
        "id": name, "object": "capability", "account": account["id"], "future_requirements": _requirements(()),
        "requested": True, "requested_at": account["created"], "requirements": account["requirements"],
        "status": account["capabilities"].get(name, "unrequested"),
    }  # fmt: skip


def connected(world: World, identity: str) -> Obj:
    """The connected account, if our key may still act for it."""
    account = world.account(identity)
    if account is None or not account["_connected"]:
        raise Refusal(
            f"The provided key '{world.secret_key[:8]}***' does not have access to account '{identity}' (or that account"
            " does not exist). Application access may have been revoked.",
            code="account_invalid", status=403,
        )  # fmt: skip
    return account


def disconnect(world: World, account: Obj) -> None:
    """Access is gone at once: what was held on the account can neither be captured nor released by us."""
    account["_connected"] = False
    world.save(account)
    world.emit(
        account["id"],
        "account.application.deauthorized",
        {"id": world.config.client_id, "object": "application", "name": "Sandbox"},
    )


def create(call: Call) -> Obj:
    if call.connected:
        raise Refusal("Accounts are created by the platform, without the Stripe-Account header.")
    params = call.params
    if "type" in params and "controller" in params:
        raise invalid("controller", "You may not provide the `type` parameter and `controller` parameters simultaneously.")
    dashboard = (params.get("controller") or {}).get("stripe_dashboard", {}).get("type", "full")
    collection = (params.get("controller") or {}).get("requirement_collection", "stripe")
    if dashboard == "full" and collection == "application":
        raise invalid("controller[requirement_collection]", "An account with the full dashboard has Stripe collect requirements.")
    country = params.get("country", call.world.config.country)
    if len(country) != 2 or not country.isalpha() or not country.isupper():
        raise Refusal(f"Country '{country}' is unknown.", code="country_unsupported", param="country")
    return new_account(call.world, country=country, params=params)


def _reachable(call: Call, identity: str) -> Obj:
    if identity not in (call.account, call.world.platform):
        return connected(call.world, identity)
    return call.world.objects[identity]


def retrieve(call: Call) -> Obj:
    return _reachable(call, call.ids.get("id", call.account))


def listed(call: Call) -> Obj:
    world = call.world
    rows = [
        obj
        for obj in reversed(list(world.objects.values()))
        if obj["object"] == "account" and obj["_connected"] and obj["id"] != world.platform
    ]
    return page(call, rows, call.path)


def update(call: Call) -> Obj:
    account, params = _reachable(call, call.ids["id"]), call.params
    if call.has("metadata"):
        account["metadata"] = metadata(params["metadata"], account["metadata"])
    for name, wish in (params.get("capabilities") or {}).items():
        if wish.get("requested"):
            status = "active" if account["details_submitted"] else "inactive"
            account["capabilities"].setdefault(name, status)
    for name in ("email", "business_type"):
        if call.has(name):
            account[name] = params[name]
    call.world.save(account)
    told(call.world, account, [])
    return account


def list_capabilities(call: Call) -> Obj:
    account = _reachable(call, call.ids["id"])
    data = [_capability(account, name) for name in account["capabilities"]]
    return {"object": "list", "data": data, "has_more": False, "url": call.path}


def get_capability(call: Call) -> Obj:
    return _capability(_reachable(call, call.ids["id"]), call.ids["sub"])


# -- account links ---------------------------------------------------------------------------------------------------


def _link(world: World, account: Obj, return_url: str, refresh_url: str) -> Obj:
    for name, url in (("return_url", return_url), ("refresh_url", refresh_url)):
        if not url.startswith(("http://", "https://")):
            raise Refusal("Not a valid URL", code="url_invalid", param=name)
    identity = world.new_id("alink")
    link: Obj = {
        "id": identity, "object": "account_link", "created": world.now(), "expires_at": world.now() + limits.LINK_KEPT,
        "url": f"{world.url}/setup/{identity}", "_for": account["id"], "_return": return_url, "_refresh": refresh_url,
        "_used": False,
    }  # fmt: skip
    return world.add(world.platform, link)


def create_link(call: Call) -> Obj:
    params = call.params
    account = connected(call.world, params["account"])
    for name in ("return_url", "refresh_url"):
        if name not in params:
            raise missing(name)
    if account["_made_by"] == "oauth":
        raise invalid("account", "You cannot create account links for accounts that your platform does not control.")
    link = _link(call.world, account, params["return_url"], params["refresh_url"])
    return {key: value for key, value in link.items() if key != "id"}


def open_link(world: World, identity: str) -> Obj | None:
    """A link that can still be used: once, for some minutes."""
    link = world.objects.get(identity)
    if link is None or link["object"] != "account_link" or link["_used"] or link["expires_at"] < world.now():
        return None
    return link


# -- v2 --------------------------------------------------------------------------------------------------------------


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def in_v2(account: Obj, include: list[str]) -> Obj:
    """The account in v2's words; what is not named in `include` is null, as with Stripe."""

    def status(name: str) -> Obj:
        active = account["capabilities"].get(name) == "active"
        detail = {"code": "requirements_past_due", "resolution": "provide_info"}
        return {"status": "active" if active else "restricted", "status_details": [] if active else [detail]}

    merchant = {"applied": True, "capabilities": {"card_payments": status("card_payments")}}
    recipient = {"applied": True, "capabilities": {"stripe_balance": {"stripe_transfers": status("transfers")}}}
    has = {"merchant": "card_payments" in account["capabilities"], "recipient": "transfers" in account["capabilities"]}
    entries = [_entry(name) for name in account["requirements"]["currently_due"]]
    parts: Obj = {
        "defaults": {"currency": account["default_currency"], "locales": None, "profile": None,
                     "responsibilities": {"fees_collector": "stripe", "losses_collector": "stripe",
                                          "requirements_collector": "stripe"}},
        "identity": {"attestations": None, "business_details": None, "country": account["country"].lower(),
                     "entity_type": account["business_type"], "individual": None},
        "requirements": {"entries": entries, "summary": {"minimum_deadline": {"status": "past_due"}} if entries else None},
        "future_requirements": None,
    }  # fmt: skip
    configuration = {
        "customer": None,
        "merchant": merchant if has["merchant"] and "configuration.merchant" in include else None,
        "recipient": recipient if has["recipient"] and "configuration.recipient" in include else None,
    }
    shown = any(one.startswith("configuration.") for one in include)
    return {
        "id": account["id"], "object": "v2.core.account",
        "applied_configurations": [name for name in ("merchant", "recipient") if has[name]], "closed": False,
        "configuration": configuration if shown else None, "contact_email": account["email"], "contact_phone": None,
        "created": _when(account["created"]), "dashboard": account.get("_dashboard", "full"),
        "display_name": account.get("_name"), "livemode": False, "metadata": account["metadata"],
        **{name: part if name in include else None for name, part in parts.items()},
    }  # fmt: skip


def _entry(name: str) -> Obj:
    return {
        "awaiting_action_from": "user", "description": name, "errors": [],
        "impact": {"restricts_capabilities": []}, "minimum_deadline": {"status": "past_due"}, "reference": None,
        "requested_reasons": [{"code": "routine_onboarding"}],
    }  # fmt: skip


def create_v2(call: Call) -> Obj:
    params = call.params
    configuration = params.get("configuration") or {}
    merchant = (configuration.get("merchant") or {}).get("capabilities") or {}
    recipient = ((configuration.get("recipient") or {}).get("capabilities") or {}).get("stripe_balance") or {}
    wanted: Obj = {}
    if (merchant.get("card_payments") or {}).get("requested"):
        wanted["card_payments"] = {"requested": True}
    if (recipient.get("stripe_transfers") or {}).get("requested"):
        wanted["transfers"] = {"requested": True}
    if not wanted:
        raise missing("configuration")
    identity = params.get("identity") or {}
    if "country" not in identity:
        raise missing("identity.country")
    account = new_account(
        call.world, country=identity["country"].upper(), made_by="v2",
        params={"capabilities": wanted, "email": params.get("contact_email"), "metadata": params.get("metadata")},
    )  # fmt: skip
    if "card_payments" not in wanted:
        account["capabilities"].pop("card_payments", None)
    account["_dashboard"], account["_name"] = params.get("dashboard", "full"), params.get("display_name")
    account["business_type"] = identity.get("entity_type")
    return in_v2(account, params.get("include", []))


def retrieve_v2(call: Call) -> Obj:
    account = _reachable(call, call.ids["id"])
    return in_v2(account, call.params.get("include", []))


def create_link_v2(call: Call) -> Obj:
    account = connected(call.world, call.params["account"])
    case = call.params["use_case"]
    wanted = case.get(case["type"])
    if wanted is None or "refresh_url" not in wanted:
        raise missing(f"use_case.{case['type']}.refresh_url")
    link = _link(call.world, account, wanted.get("return_url", wanted["refresh_url"]), wanted["refresh_url"])
    return {
        "object": "v2.core.account_link", "account": account["id"], "created": _when(link["created"]),
        "expires_at": _when(link["expires_at"]), "livemode": False, "url": link["url"], "use_case": case,
    }  # fmt: skip
