"""What a campaign's body may say, and the definition that it becomes. Every wrong field is named."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from actors.limits import DomainLimits
from actors.model import certificate as certificates
from actors.model import firmware
from actors.model.campaign import (
    Budget,
    CertificateWork,
    ConfigurationWork,
    Definition,
    FirmwareWork,
    LocalListWork,
    RenewalWork,
    Wave,
    Window,
    Work,
)
from actors.model.matching import Match
from actors.model.token import TokenType
from gateways.web.api.types import Identifier, Moment, ShortText
from gateways.web.call import Call
from gateways.web.problems import FieldError, wrong_fields

LIMITS = DomainLimits()
LIST_TOKENS = 2000
"""Of one campaign: every station's keeper is written all of them."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?) ?%")
_SCHEMES = ("http", "https", "ftp", "ftps", "sftp")

Seconds = Annotated[int, msgspec.Meta(ge=0, le=30 * 86400)]
Identity = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Count = Annotated[int, msgspec.Meta(ge=1, le=LIMITS.campaign_targets)]


class FirmwareBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="firmware", tag_field="kind"):
    """`location`: where stations fetch it. `version`: how a station with it calls itself; a boot with it is success, and a
    station that has it already is left alone. `signing_certificate` (PEM) with `signature` (base64) make it a secure
    update."""

    location: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=50)] | None = None
    retrieve_at: Moment | None = None
    install_at: Moment | None = None
    retries: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    retry_interval_s: Seconds | None = None
    signing_certificate: Annotated[str, msgspec.Meta(max_length=5500)] | None = None
    signature: Annotated[str, msgspec.Meta(max_length=800)] | None = None


class CertificateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="certificate", tag_field="kind"):
    """Install a root: `certificate` is PEM."""

    type: Literal["CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate"]
    certificate: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]


class ConfigurationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="configuration", tag_field="kind"):
    """Give stations a configuration template: done when nothing is pending or refused. A station keeps it, and what it has begun
    goes on, also when the campaign is paused, cancelled, or waits no longer."""

    template: Identifier


class ListTokenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    uid: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    type: TokenType = "ISO14443"


class TokensBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="local_list", tag_field="kind"):
    """Give stations a local authorisation list of tokens that the tenant knows, which is kept in step from then on."""

    tokens: Annotated[list[ListTokenBody], msgspec.Meta(min_length=1, max_length=LIST_TOKENS)]


class RenewalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="renewal", tag_field="kind"):
    """Have stations ask for a new certificate: done when they accepted it."""

    type: Literal["ChargingStationCertificate", "V2GCertificate"] = "ChargingStationCertificate"


class FilterBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Globs (`*`, `?`) over what a station's last boot said, read without case."""

    vendor: ShortText = "*"
    model: ShortText = "*"
    firmware: ShortText = "*"
    protocol: ShortText = "*"


class WindowBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"opens": "from", "closes": "to"}):
    """Times of day (`22:00`) in the tenant's time zone; it may reach over midnight."""

    opens: str
    closes: str


class RetryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    wait_s: Seconds = 600


class CampaignBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Either `stations` or `filter` says who is meant; a filter is resolved when the campaign starts. `waves`: how many stations
    each has (`5`, `"10%"`, `"rest"`), or `wave_size` for waves of one size. `budget`: stations that may fail (`3`, `"5%"`)
    before the campaign pauses by itself. `deadline_s`: of one attempt of a station."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    work: FirmwareBody | ConfigurationBody | TokensBody | CertificateBody | RenewalBody
    stations: Annotated[list[Identity], msgspec.Meta(max_length=LIMITS.campaign_targets)] | None = None
    filter: FilterBody | None = None
    waves: Annotated[list[int | str], msgspec.Meta(max_length=100)] = []
    wave_size: Count | None = None
    wave_pause_s: Seconds = 0
    at_once: Annotated[int, msgspec.Meta(ge=1, le=LIMITS.campaign_at_once)] = 20
    start_at: Moment | None = None
    window: WindowBody | None = None
    retry: RetryBody = RetryBody()
    budget: int | str | None = None
    deadline_s: Annotated[int, msgspec.Meta(ge=10, le=30 * 86400)] = 86400


def definition_of(call: Call, body: CampaignBody) -> Definition:
    """Raises Problem `invalid-body` with every wrong field."""
    wrong = [FieldError(detail, pointer=pointer) for pointer, detail in _wrong(call, body)]
    if wrong:
        raise wrong_fields(wrong)
    match = body.filter
    return Definition(
        name=body.name,
        work=_work(call, body.work),
        stations=tuple(dict.fromkeys(body.stations or ())),
        match=Match(match.vendor, match.model, match.firmware, match.protocol) if match is not None else None,
        waves=tuple(_wave(given) for given in body.waves),
        wave_size=body.wave_size,
        wave_pause=body.wave_pause_s,
        at_once=body.at_once,
        start_at=body.start_at,
        window=Window(_minute(body.window.opens), _minute(body.window.closes)) if body.window is not None else None,
        attempts=body.retry.attempts,
        retry_wait=body.retry.wait_s,
        budget=_budget(body.budget),
        deadline=body.deadline_s,
    )


def _work(call: Call, body: Any) -> Work:
    if isinstance(body, CertificateBody):
        return CertificateWork(body.type, body.certificate)
    if isinstance(body, ConfigurationBody):
        return ConfigurationWork(body.template)
    if isinstance(body, RenewalBody):
        return RenewalWork(body.type)
    if isinstance(body, TokensBody):
        return LocalListWork(tuple(dict.fromkeys(_ref(call, token) for token in body.tokens)))
    return FirmwareWork(
        body.location, body.version, body.retrieve_at, body.install_at, body.retries, body.retry_interval_s,
        body.signing_certificate, body.signature,
    )  # fmt: skip


def _ref(call: Call, token: ListTokenBody) -> str:
    return call.env.vault.token(call.own, token.uid, token.type).ref


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _percent(text: str) -> Decimal | None:
    found = _SHARE.fullmatch(text.strip())
    share = Decimal(found[1]) if found is not None else None
    return share if share is not None and share <= 100 else None


def _wave(given: int | str) -> Wave:
    if isinstance(given, int):
        return Wave(count=given)
    return Wave() if given == "rest" else Wave(percent=_percent(given))


def _budget(given: int | str | None) -> Budget | None:
    if given is None:
        return None
    return Budget(count=given) if isinstance(given, int) else Budget(percent=_percent(given))


def _wrong(call: Call, body: CampaignBody) -> Iterator[tuple[str, str]]:
    """(pointer, what is wrong) of what has the right form and makes no sense."""
    if (body.stations is None) == (body.filter is None):
        yield "/stations", "give either stations or filter"
    for n, station in enumerate(body.stations or ()):
        if call.env.snapshots.station(call.own, station) is None:
            yield f"/stations/{n}", f"there is no station {station!r}"
    if body.stations is not None and not body.stations:
        yield "/stations", "name at least one"
    yield from _wrong_waves(body)
    for name, clock in (("from", body.window.opens), ("to", body.window.closes)) if body.window is not None else ():
        if not _CLOCK.fullmatch(clock):
            yield f"/window/{name}", "a time of day: 22:00, say"
    if body.start_at is not None and body.start_at <= call.env.now():
        yield "/start_at", "is in the past; leave it out and start the campaign yourself"
    if isinstance(body.budget, str) and _percent(body.budget) is None:
        yield "/budget", 'a number of stations, or a share such as "5%"'
    elif isinstance(body.budget, int) and body.budget < 0:
        yield "/budget", "not less than 0"
    yield from _wrong_work(call, body.work)


def _wrong_waves(body: CampaignBody) -> Iterator[tuple[str, str]]:
    if body.waves and body.wave_size is not None:
        yield "/wave_size", "give either waves or wave_size"
    for n, given in enumerate(body.waves):
        if isinstance(given, int) and given >= 1:
            continue
        if isinstance(given, str) and (given == "rest" or (_percent(given) or 0) > 0):
            continue
        yield f"/waves/{n}", 'a number of stations, a share such as "10%", or "rest"'


def _wrong_work(call: Call, work: Any) -> Iterator[tuple[str, str]]:
    if isinstance(work, FirmwareBody):
        yield from _wrong_firmware(call, work)
    elif isinstance(work, TokensBody):
        for n, token in enumerate(work.tokens):
            if call.env.snapshots.token(call.own, _ref(call, token)) is None:
                yield f"/work/tokens/{n}/uid", "the tenant has no such token: PUT it under /tokens first"
    elif isinstance(work, CertificateBody):
        try:
            card = certificates.card_of(certificates.read_one(work.certificate))
        except certificates.BadCertificate as error:
            yield "/work/certificate", str(error)
        else:
            if card.not_after <= call.env.now():
                yield "/work/certificate", "it has expired"


def _wrong_firmware(call: Call, work: FirmwareBody) -> Iterator[tuple[str, str]]:
    """A secure update is looked at here as the station's actor does before it sends it: nobody would get another."""
    scheme = urlsplit(work.location).scheme.lower()
    if scheme not in _SCHEMES:
        yield "/work/location", f"a URL that begins with one of {', '.join(_SCHEMES)}"
    signing, signature = work.signing_certificate, work.signature
    if (signing is None) != (signature is None):
        missing = "signature" if signature is None else "signing_certificate"
        yield f"/work/{missing}", "a secure update has both, signing_certificate and signature"
    elif signing is not None and signature is not None:
        authority = call.env.snapshots.authority(call.own)
        trusted = authority.anchors("manufacturer") if authority is not None else ()
        revoked = authority.revoked if authority is not None else frozenset[str]()
        found = firmware.problem(signing, signature, trusted, revoked, call.env.now())
        if found is not None:
            yield f"/work/{found[0]}", found[1]
