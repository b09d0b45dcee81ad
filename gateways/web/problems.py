"""Problem details (RFC 9457): one stable `type` per kind of refusal, and the catalogue of them.

A handler raises `Problem("not-found", "no such station")`; status and title come from the catalogue, which the OpenAPI
document and the docs page list as well. `errors` holds one entry per wrong field: a JSON pointer (RFC 6901) into the
body, or the name of a parameter.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from werkzeug.exceptions import HTTPException

from gateways.web import limits

PREFIX = "urn:voltroupe:problem:"
MEDIA_TYPE = "application/problem+json"

CATALOGUE: dict[str, tuple[int, str]] = {
    "malformed-body": (400, "The body is not valid JSON"),
    "invalid-body": (400, "The body has wrong fields"),
    "invalid-parameter": (400, "A parameter is wrong"),
    "unauthenticated": (401, "A valid bearer token is needed"),
    "forbidden": (403, "Your role does not allow this"),
    "not-found": (404, "There is no such thing here"),
    "method-not-allowed": (405, "This route does not know that method"),
    "conflict": (409, "The state of things does not allow this"),
    "station-offline": (409, "The station is not connected"),
    "idempotency-conflict": (409, "A request with this Idempotency-Key is under way"),
    "too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body has the wrong content type"),
    "idempotency-mismatch": (422, "This Idempotency-Key was used with another request"),
    "not-carried": (422, "The station's version cannot carry this"),
    "unsupported": (422, "This version of the platform does not have this"),
    "refused": (422, "The request was understood and refused"),
    "too-many-requests": (429, "Too many requests"),
    "station-error": (502, "The station answered with an error"),
    "internal-error": (500, "Something broke here"),
    "actor-crashed": (500, "The actor crashed on this request"),
    "overloaded": (503, "Too much is waiting"),
    "actor-stopped": (503, "The actor is stopped or suspended"),
    "database-away": (503, "The database is away"),
    "station-timeout": (504, "The station did not answer"),
    "timeout": (504, "No answer in time"),
}


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """`pointer` into the body, or `parameter` of the path or query; `detail` says what is wrong and what is right."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True, rename={"kind": "type"}):
    """application/problem+json (RFC 9457); `correlation` finds the request in the logs."""

    kind: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    correlation: str = ""
    dead_letter: str | None = None
    station_error: dict[str, Any] | None = None


class Problem(Exception):
    def __init__(
        self,
        slug: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        dead_letter: str | None = None,
        station_error: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.status, self.title = CATALOGUE[slug]
        self.detail = detail
        self.errors = tuple(errors[: limits.FIELD_PROBLEMS])
        self.retry_after = retry_after
        self.dead_letter = dead_letter
        self.station_error = station_error

    def body(self, correlation: str = "") -> ProblemBody:
        return ProblemBody(
            kind=PREFIX + self.slug,
            title=self.title,
            status=self.status,
            detail=self.detail,
            errors=self.errors,
            correlation=correlation,
            dead_letter=self.dead_letter,
            station_error=self.station_error,
        )


def wrong_field(pointer: str, detail: str) -> Problem:
    return Problem("invalid-body", errors=[FieldError(detail, pointer=pointer)])


def wrong_fields(errors: Sequence[FieldError]) -> Problem:
    return Problem("invalid-body", f"{len(errors)} wrong field{'s' if len(errors) != 1 else ''}", errors=errors)


def wrong_parameter(name: str, detail: str) -> Problem:
    return Problem("invalid-parameter", errors=[FieldError(detail, parameter=name)])


_HTTP = {400: "malformed-body", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}


def of_http(error: HTTPException) -> Problem:
    """What the framework refused by itself (no such path, a body too large ...)."""
    slug = _HTTP.get(error.code or 500, "internal-error" if (error.code or 500) >= 500 else "malformed-body")
    return Problem(slug, "" if slug == "internal-error" else (error.description or ""))
