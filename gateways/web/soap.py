"""OCPP over SOAP on the HTTP listener: `POST /soap/{tenant}` and `/soap/{tenant}/{identity}`, and `GET ...?wsdl`.

Only the passage between HTTP and gateways/ocpp/soap. Stations are no callers of the admin API: they prove themselves as at the
OCPP listener, and are limited there.
"""

import msgspec
from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from gateways.ocpp.soap.faults import protocol_error
from gateways.ocpp.soap.service import SoapAnswer, SoapRequest, SoapService
from gateways.web.dispatch import SLASH
from gateways.web.env import WebSettings
from gateways.web.services import Services

PREFIX = "/soap/"
_ROUTE = PREFIX + "{tenant}"


def add_soap(app: QuartTrio, soap: SoapService, settings: WebSettings, services: Services) -> None:
    async def post(tenant: str, identity: str | None = None) -> Response:
        began = services.clock()
        head = SoapRequest(
            tenant=tenant.replace(SLASH, "/"),
            identity=identity.replace(SLASH, "/") if identity is not None else None,
            body=b"",
            content_type=request.headers.get("Content-Type", ""),
            content_encoding=request.headers.get("Content-Encoding", ""),
            accept_encoding=request.headers.get("Accept-Encoding", ""),
            authorization=request.headers.get("Authorization", ""),
            peer=request.remote_addr or "",
            secure=settings.behind_tls or request.scheme == "https",
        )
        answer = await _answered(soap, head)
        services.metrics.observe("POST", _ROUTE, answer.status, services.clock() - began)
        return Response(answer.body, answer.status, dict(answer.headers))

    async def get(tenant: str, identity: str | None = None) -> Response:
        asked = {name.lower(): value for name, value in request.args.items()}
        base = (settings.public_url or request.host_url).rstrip("/")
        described = soap.describe(asked["wsdl"], base + request.path.replace(SLASH, "%2F")) if "wsdl" in asked else None
        if described is None:
            hint = "Stations POST SOAP 1.2 here. ?wsdl=1.2, ?wsdl=1.5 and ?wsdl=1.6 describe the service.\n"
            return Response(hint, 404, content_type="text/plain; charset=utf-8")
        return Response(described, 200, content_type="text/xml; charset=utf-8")

    for n, rule in enumerate((PREFIX + "<tenant>", PREFIX + "<tenant>/<identity>")):
        app.add_url_rule(rule, f"soap.{n}", post, methods=["POST"])
        app.add_url_rule(rule, f"soap.wsdl.{n}", get, methods=["GET"])


async def _answered(soap: SoapService, head: SoapRequest) -> SoapAnswer:
    try:
        body = await request.get_data(as_text=False)
    except RequestEntityTooLarge:
        return soap.refuse(head, protocol_error("the message is too long", 413))
    except HTTPException as error:
        return soap.refuse(head, protocol_error(error.name, error.code or 400))
    assert isinstance(body, bytes)
    return await soap.answer(msgspec.structs.replace(head, body=body))
