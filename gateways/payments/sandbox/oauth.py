"""OAuth on the connect base: /oauth/authorize is a page (`hosted.py`), these are its calls."""

from urllib.parse import urlencode, urlsplit

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.accounts import disconnect, new_account
from gateways.payments.sandbox.calls import Call
from gateways.payments.sandbox.errors import OAuthRefusal, Obj
from gateways.payments.sandbox.world import World


def asked(world: World, query: Obj) -> str:
    """The redirect_uri of a request to authorize, once it may be led there."""
    config = world.config
    if query.get("client_id") != config.client_id:
        raise OAuthRefusal("invalid_client", f"No such application: {query.get('client_id')}")
    back = query.get("redirect_uri") or (config.redirect_uris[0] if config.redirect_uris else None)
    if not isinstance(back, str) or urlsplit(back).scheme not in ("http", "https"):
        raise OAuthRefusal("invalid_request", "No redirect_uri, and none is registered.")
    if config.redirect_uris and back not in config.redirect_uris:
        raise OAuthRefusal(
            "invalid_redirect_uri", f"Invalid redirect URI '{back}'. Ensure this uri exactly matches one of yours."
        )
    if query.get("response_type", "code") != "code":
        raise OAuthRefusal("unsupported_response_type", "response_type must be code")
    return back


def grant(world: World, query: Obj, country: str, account: str | None = None) -> str:
    """The holder agreed: where the browser goes on to. `account`: an account that exists; otherwise a new one is made."""
    back = asked(world, query)
    holder = world.account(account) if account else None
    if holder is None:
        holder = new_account(world, country=country, made_by="oauth", done=True)
        holder["_connected"] = False
    code: Obj = {
        "id": world.new_id("ac"), "object": "oauth_code", "created": world.now(), "_for": holder["id"], "_used": False,
        "_scope": query.get("scope", "read_only"),
    }  # fmt: skip
    world.add(world.platform, code)
    world.save(holder)
    return _with(back, {"code": code["id"], "scope": code["_scope"], "state": query.get("state")})


def deny(world: World, query: Obj) -> str:
    told = {"error": "access_denied", "error_description": "The user denied your request", "state": query.get("state")}
    return _with(asked(world, query), told)


def _with(url: str, more: Obj) -> str:
    said = urlencode({key: value for key, value in more.items() if value is not None})
    return f"{url}{'&' if '?' in url else '?'}{said}"


def token(call: Call) -> Obj:
    world, params = call.world, call.params
    if params.get("grant_type") != "authorization_code":
        raise OAuthRefusal("unsupported_grant_type", "grant_type must be authorization_code")
    code = world.objects.get(params.get("code", ""))
    if code is None or code["object"] != "oauth_code" or code["created"] + limits.CODE_KEPT < world.now():
        raise OAuthRefusal("invalid_grant", f"Authorization code does not exist: {params.get('code')}")
    holder = world.objects[code["_for"]]
    if code["_used"]:
        if holder["_connected"]:
            disconnect(world, holder)
        raise OAuthRefusal(
            "invalid_grant", "This authorization code has already been used. All tokens issued with this code have been revoked."
        )
    code["_used"], holder["_connected"] = True, True
    world.save(code, holder)
    world.emit(
        holder["id"], "account.application.authorized", {"id": world.config.client_id, "object": "application", "name": "Sandbox"}
    )
    return {
        "access_token": world.new_id("sk_test"), "livemode": False, "refresh_token": world.new_id("rt"), "scope": code["_scope"],
        "stripe_publishable_key": world.new_id("pk_test"), "stripe_user_id": holder["id"], "token_type": "bearer",
    }  # fmt: skip


def deauthorize(call: Call) -> Obj:
    world, params = call.world, call.params
    if params.get("client_id") != world.config.client_id:
        raise OAuthRefusal("invalid_client", "No such application")
    holder = world.account(str(params.get("stripe_user_id")))
    if holder is None or not holder["_connected"]:
        raise OAuthRefusal(
            "invalid_client", f"This application is not connected to stripe account {params.get('stripe_user_id')}", 401
        )
    disconnect(world, holder)
    return {"stripe_user_id": holder["id"]}
