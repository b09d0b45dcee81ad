"""Certificates and credentials: a tenant's certificate authority, what its stations hold, passwords and security profiles.

What a station is told about certificates goes out as an order: it waits for a station that is away, and the answer here is
that it was ordered; the list shows what became of it. A new password is the exception: the caller waits for the answer.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from actors.authority import messages as a
from actors.certificates import messages as m
from actors.model import certificate as c
from actors.model.ids import CERTIFICATES, authority_address, sibling_address, station_address
from actors.model.intents import CertificateHash, CommandResult, SetVariable, VariableRef
from actors.ports import AuthorityCard
from actors.station.auth import new_password
from actors.station.credentials import PASSWORD
from actors.station.messages import Command, Sent
from gateways.web import identity, limits
from gateways.web.api.stations import known, live_station
from gateways.web.call import Call, page_of
from gateways.web.problems import Problem
from gateways.web.table import PAGED, Answer, Items, Route, Scope
from gateways.web.views import utc

TAG = "Certificates"
PEM = "application/x-pem-file"
BOOK = "certificate"
Pem = Annotated[str, msgspec.Meta(min_length=1, max_length=8_000)]
_BASIC_AUTH_PASSWORD = VariableRef("SecurityCtrlr", "BasicAuthPassword")
_PRIORITY = ("OCPPCommCtrlr", "NetworkConfigurationPriority")


# -- the tenant's certificate authority --------------------------------------------------------------------------------------


class CertificateView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`fingerprint`: SHA-256 of the DER, in hex. `use`: what another CA is trusted for."""

    fingerprint: str
    subject: str
    serial: str
    not_before: datetime
    not_after: datetime
    use: str | None = None


class AuthorityView(msgspec.Struct, frozen=True):
    """`chain`: our own CA, issuing first, root last (empty before its first need); `revoked`: fingerprints."""

    chain: list[CertificateView]
    trusted: list[CertificateView]
    revoked: list[str]


class TrustBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`certificate`: the PEM of one CA."""

    use: Literal["station", "factory", "contract", "v2g", "manufacturer"]
    certificate: Pem


def _view(pem: str, use: str | None = None) -> CertificateView:
    card = c.card_of(c.read_one(pem))
    return CertificateView(card.fingerprint, card.subject, card.serial, card.not_before, card.not_after, use)


def _authority(card: AuthorityCard | None) -> AuthorityView:
    if card is None:
        return AuthorityView([], [], [])
    return AuthorityView(
        [_view(pem) for pem in card.chain], [_view(pem, use) for use, pem in card.trusted], sorted(card.revoked)
    )  # fmt: skip


async def get_authority(call: Call) -> AuthorityView:
    return _authority(call.env.snapshots.authority(call.own))


async def make_authority(call: Call) -> AuthorityView:
    await call.ask(authority_address(call.own), a.Ensure())
    return _authority(call.env.snapshots.authority(call.own))


async def get_authority_certificate(call: Call) -> Answer:
    card = call.env.snapshots.authority(call.own)
    if card is None or not card.chain:
        raise Problem("not-found", "the tenant has no certificate authority yet: POST to its authority makes it")
    return Answer("".join(card.chain))


async def trust_authority(call: Call) -> Answer:
    body: TrustBody = call.body
    reply = await call.ask(authority_address(call.own), a.Trust(body.use, body.certificate, call.principal.who))
    return Answer(_view(body.certificate, body.use), status=201 if reply.created else 200)


async def distrust_authority(call: Call) -> Answer:
    await call.ask(authority_address(call.own), a.Distrust(call.path["use"], call.path["fingerprint"], call.principal.who))
    return Answer()


# -- what a station holds ----------------------------------------------------------------------------------------------------


class HeldView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`kind`: issued (by a CA to this station), installed (as the station reports) or request (the last of its type); what
    else is known depends on it."""

    kind: str
    type: str
    updated_at: datetime
    status: str | None = None
    fingerprint: str | None = None
    serial: str | None = None
    subject: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    hash: CertificateHash | None = None
    children: list[CertificateHash] | None = None
    at: datetime | None = None


class OrderedView(msgspec.Struct, frozen=True):
    """`orders`: ids of what the station will be told, until `until`."""

    orders: list[str]
    until: datetime


class InstallBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate"]
    certificate: Pem


class RemoveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hash: CertificateHash


class RenewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["ChargingStationCertificate", "V2GCertificate", "Combined"] = "ChargingStationCertificate"


class RevokeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fingerprint: Annotated[str, msgspec.Meta(pattern="^[0-9A-Fa-f]{64}$")]
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


async def list_certificates(call: Call) -> Items[HeldView]:
    await known(call)
    page = await call.env.queries.book(call.own, call.path["station"], BOOK, call.query["limit"], call.query["cursor"])
    held = [msgspec.convert({**row.body, "updated_at": utc(row.updated_at)}, HeldView, strict=False) for row in page.items]
    return page_of(page, held)


async def _ordered(call: Call, message: Any) -> Answer:
    await known(call)
    reply = await call.ask(sibling_address(call.own, CERTIFICATES, call.path["station"]), message)
    return Answer(OrderedView(list(reply.orders), reply.until), status=202)


async def renew_certificate(call: Call) -> Answer:
    body: RenewBody = call.body or RenewBody()
    return await _ordered(call, m.RenewNow(call.principal.who, body.type))


async def install_certificate(call: Call) -> Answer:
    return await _ordered(call, m.InstallRoot(call.body.type, call.body.certificate, call.principal.who))


async def remove_certificate(call: Call) -> Answer:
    return await _ordered(call, m.RemoveInstalled(call.body.hash, call.principal.who))


async def read_certificates(call: Call) -> Answer:
    return await _ordered(call, m.ReadInstalled(call.principal.who))


async def revoke_certificate(call: Call) -> Answer:
    await known(call)
    revoke = m.RevokeIssued(call.body.fingerprint, call.body.reason, call.principal.who)
    await call.ask(sibling_address(call.own, CERTIFICATES, call.path["station"]), revoke)
    return Answer()


# -- how it authenticates ----------------------------------------------------------------------------------------------------


class RotatedView(msgspec.Struct, frozen=True):
    """`status`: Accepted (the new password is the only one), RebootRequired or Unknown (old and new are valid until the station
    connects again and shows which it has), else the station's refusal (the old one stays)."""

    status: str


class ProfileBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url`: where a 2.x station connects then; `slot`: which of its network profiles is written; a 1.6 station needs
    neither."""

    profile: Literal[1, 2, 3]
    url: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    slot: Annotated[int, msgspec.Meta(ge=0, le=9)] = 1
    interface: Annotated[str, msgspec.Meta(max_length=20)] = "Wired0"
    message_timeout: Annotated[int, msgspec.Meta(ge=1, le=600)] = 30


async def rotate_password(call: Call) -> RotatedView:
    """The new password is made here, told to the station, and forgotten: nobody needs to know it."""
    row, _, _ = await known(call)
    if row.profile not in (1, 2):
        raise Problem("conflict", f"security profile {row.profile} has no password")
    change = SetVariable(_BASIC_AUTH_PASSWORD, new_password(call.env.token_bytes))
    not_after = call.env.now() + timedelta(seconds=limits.COMMAND_NOT_AFTER)
    command = Command("c" + secrets.token_hex(12), change, not_after, call.principal.who)
    to = station_address(call.own, call.path["station"])
    reply = await call.ask(to, command, deadline=limits.COMMAND_SECONDS)
    assert isinstance(reply, Sent)
    outcome = reply.outcome
    if not isinstance(outcome, CommandResult):
        if outcome.reason in ("timeout", "unknown"):
            return RotatedView("Unknown")
        slug = "station-offline" if outcome.reason == "offline" else "station-error"
        raise Problem(slug, outcome.detail or outcome.code or outcome.reason)
    told = next((item.status for item in outcome.variables if item.ref.variable.lower() == PASSWORD), "")
    return RotatedView(outcome.status or told or "Accepted")


async def raise_profile(call: Call) -> Answer:
    row, _, _ = await known(call)
    body: ProfileBody = call.body
    live = await live_station(call, call.path["station"])
    others = [slot for slot in await _priority(call) if slot != str(body.slot)]
    message = m.RaiseProfile(
        profile=body.profile,
        protocol=(live.protocol if live is not None else None) or "",
        who=call.principal.who,
        url=body.url,
        slot=body.slot,
        priority=",".join((str(body.slot), *others)),
        interface=body.interface,
        message_timeout=body.message_timeout,
        current=row.profile,
    )
    return await _ordered(call, message)


async def _priority(call: Call) -> list[str]:
    """The network profiles that the station tries now, in its order."""
    cursor: str | None = None
    while True:
        page = await call.env.queries.variables(call.own, call.path["station"], limits.PAGE_MAX, cursor)
        for variable in page.items:
            if (variable.component, variable.variable) == _PRIORITY:
                return list(_slots(variable.attributes))
        cursor = page.next
        if cursor is None:
            return []


def _slots(attributes: list[dict[str, Any]]) -> Iterator[str]:
    for attribute in attributes:
        if attribute.get("type", "Actual") == "Actual" and attribute.get("value"):
            yield from (slot.strip() for slot in str(attribute["value"]).split(",") if slot.strip().isdecimal())


_T = "/api/v1/tenants/{tenant}/authority"
_S = "/api/v1/tenants/{tenant}/stations/{station}"


def _write(path: str, handler: Any, summary: str, **more: Any) -> Route:
    return Route(
        method=more.pop("method", "POST"), path=path, handler=handler, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary=summary, **more,
    )  # fmt: skip


ROUTES = (
    Route(
        method="GET", path=_T, handler=get_authority, tag=TAG, scope=Scope.TENANT, answer=AuthorityView,
        summary="The tenant's certificate authority, the others that it trusts, and what was revoked",
    ),
    _write(
        _T, make_authority, "Make the tenant's certificate authority, if there is none yet", answer=AuthorityView,
        description="It is also made when the first station asks for a certificate. Its keys never leave the deployment.",
    ),
    Route(
        method="GET", path=_T + "/certificate", handler=get_authority_certificate, tag=TAG, scope=Scope.TENANT,
        summary="The certificates of the tenant's own CA, as PEM", answer=str, answer_media=PEM,
    ),
    _write(
        _T + "/trusted", trust_authority, "Trust another CA", body=TrustBody, answer=CertificateView, status=201,
        other_statuses={200: "It was trusted already"}, problems=("conflict",),
        description="`station`: client certificates of stations (security profile 3); `factory`: those with which "
        "stations are delivered, good for getting one of yours and no more; `contract` and `v2g`: contract "
        "certificates; `manufacturer`: signatures of firmware. Give the issuing CAs, too, where stations do not send them.",
    ),
    _write(_T + "/trusted/{use}/{fingerprint}", distrust_authority, "Trust a CA no longer", method="DELETE", status=204),
    Route(
        method="GET", path=_S + "/certificates", handler=list_certificates, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="Certificates issued to a station, and those that it has installed", answer=Items[HeldView],
    ),
    _write(
        _S + "/certificates/renew", renew_certificate, "Have the station ask for a new certificate", body=RenewBody,
        body_optional=True, answer=OrderedView, status=202, problems=("conflict",),
    ),
    _write(
        _S + "/certificates/install", install_certificate, "Have a root certificate installed", body=InstallBody,
        answer=OrderedView, status=202, problems=("conflict",),
    ),
    _write(
        _S + "/certificates/remove", remove_certificate, "Have an installed certificate deleted", body=RemoveBody,
        answer=OrderedView, status=202, problems=("conflict",),
    ),
    _write(
        _S + "/certificates/read", read_certificates, "Ask the station what it has installed", answer=OrderedView, status=202,
        problems=("conflict",),
    ),
    _write(
        _S + "/certificates/revoke", revoke_certificate, "Revoke a certificate issued to the station", body=RevokeBody,
        status=204, description="A connection that was opened with it is closed.",
    ),
    _write(
        _S + "/auth/rotate", rotate_password, "Give the station a new password", answer=RotatedView,
        problems=("conflict", "station-offline", "station-error"),
        description="Waits for the station's answer. Until it is known which password the station has, old and new are valid.",
    ),
    _write(
        _S + "/auth/profile", raise_profile, "Raise the station's security profile", body=ProfileBody, answer=OrderedView,
        status=202, problems=("conflict",),
        description="It can only rise. Profile 3 needs a certificate first. When the station has come in the higher profile, "
        "a lower one is refused.",
    ),
)  # fmt: skip
