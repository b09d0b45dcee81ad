"""SOAP faults, as values that are raised (PROTOCOLS 1.1)."""

from gateways.ocpp.soap.limits import REASON_CHARACTERS


class Fault(Exception):
    """`code` Sender, Receiver, VersionMismatch or MustUnderstand; `subcode` one of OCPP's, or None; `status` of the HTTP answer;
    `retry`: seconds after which the same may be tried again."""

    def __init__(self, code: str, subcode: str | None, reason: str, status: int, retry: int | None = None) -> None:
        super().__init__(f"{subcode or code}: {reason}")
        self.code = code
        self.subcode = subcode
        self.reason = reason[:REASON_CHARACTERS]
        self.status = status
        self.retry = retry


def protocol_error(reason: str, status: int = 400) -> Fault:
    return Fault("Sender", "ProtocolError", reason, status)


def security_error(reason: str, status: int = 400) -> Fault:
    return Fault("Sender", "SecurityError", reason, status)


def identity_mismatch(reason: str) -> Fault:
    return Fault("Sender", "IdentityMismatch", reason, 400)


def not_supported(reason: str) -> Fault:
    return Fault("Receiver", "NotSupported", reason, 500)


def internal_error(reason: str = "", status: int = 500, retry: int | None = None) -> Fault:
    return Fault("Receiver", "InternalError", reason or "an internal error", status, retry)
