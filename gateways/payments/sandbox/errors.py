"""Refusals in Stripe's shape: `{"error": {"type", "code", "param", "message", ...}}` with its HTTP status."""

from typing import Any

Obj = dict[str, Any]
"""An object as Stripe's JSON has it. Keys that start with an underscore are ours and never leave."""


class Refusal(Exception):
    """What Stripe would answer instead of doing it."""

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = None, status: int = 400,
        kind: str = "invalid_request_error", **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status = status
        self.error: Obj = {"type": kind, "message": message}
        if code is not None:
            self.error["code"] = code
            self.error["doc_url"] = f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}"
        if param is not None:
            self.error["param"] = param
        self.error.update(more)

    def body(self) -> Obj:
        return {"error": self.error}


class OAuthRefusal(Exception):
    """OAuth has a shape of its own: `{"error", "error_description"}`."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.error = error

    def body(self) -> Obj:
        return {"error": self.error, "error_description": str(self)}


def missing(param: str) -> Refusal:
    return Refusal(f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid(param: str, message: str) -> Refusal:
    return Refusal(message, code="parameter_invalid", param=param)


def unplayed(param: str) -> Refusal:
    """Stripe knows it, we do not play it: better said than quietly ignored."""
    return Refusal(f"The sandbox does not play `{param}`. Leave it out, or teach it.", code="sandbox_unplayed", param=param)


def no_such(kind: str, identity: object, param: str = "id") -> Refusal:
    return Refusal(f"No such {kind}: '{identity}'", code="resource_missing", param=param, status=404)
