"""Block C: Authorize, and tokens wherever they stand."""

from typing import Any

from msgspec import UNSET, structs

from actors.model.emaid import spellings
from actors.model.token import IdToken, TokenNotes, TokenVerdict
from actors.station import messages as s
from gateways.ocpp.dialect import Asker
from gateways.ocpp.times import wire_time
from gateways.ocpp.v201.inbound.parts import maybe
from gateways.ocpp.v201.messages import authorization, base

_GROUP_CHARACTERS = 36


def token(x: base.IdToken, asker: Asker) -> IdToken:
    """By its UID, whatever its type; a KeyCode is a secret, so nothing of it is shown (C04.FR.04)."""
    read, _ = asker.tag(x.id_token, x.type)
    found = asker.vault.token(asker.tenant, read, x.type)
    return structs.replace(found, masked="…") if x.type == "KeyCode" else found


def authorize(x: authorization.Authorize, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.Authorize:
    chain = x.iso15118_certificate_hash_data
    hashes = tuple(map(ocsp_request, chain)) if isinstance(chain, list) else ()
    if not hashes and x.certificate is UNSET:
        return s.Authorize(token(x.id_token, asker))
    others = [asker.vault.token(asker.tenant, text).ref for text in spellings(x.id_token.id_token)]
    return s.Authorize(token(x.id_token, asker), maybe(x.certificate), hashes, tuple(others))


def ocsp_request(x: base.OcspRequestData) -> s.OcspRequest:
    return s.OcspRequest(x.hash_algorithm, x.issuer_name_hash, x.issuer_key_hash, x.serial_number, x.responder_url)


def token_info(verdict: TokenVerdict, notes: TokenNotes | None = None) -> base.IdTokenInfo:
    """The group is always told (C09.FR.12), the rest with an accepted token only (C01.FR.22)."""
    group = verdict.group
    told = None if group is None or len(group) > _GROUP_CHARACTERS else base.IdToken(id_token=group, type="Central")
    return base.IdTokenInfo(
        status=verdict.status,
        cache_expiry_date_time=UNSET if verdict.expires is None else wire_time(verdict.expires),
        group_id_token=UNSET if told is None else told,
        **(_noted(notes) if notes is not None and verdict.accepted else {}),
    )


def _noted(notes: TokenNotes) -> dict[str, Any]:
    told: dict[str, Any] = dict(zip(("language1", "language2"), notes.languages, strict=False))
    if notes.evses:
        told["evse_id"] = list(notes.evses)
    if notes.priority is not None:
        told["charging_priority"] = notes.priority
    return told


def verdict(x: TokenVerdict) -> authorization.AuthorizeResponse:
    return authorization.AuthorizeResponse(id_token_info=token_info(x))


def authorized(x: s.AuthorizeReply) -> authorization.AuthorizeResponse:
    certificate = UNSET if x.certificate_status is None else x.certificate_status
    return authorization.AuthorizeResponse(
        id_token_info=token_info(x.verdict, x.notes),
        certificate_status=certificate,  # type: ignore[arg-type]
    )
