"""A contract certificate pool, where vehicles get their contracts (OCPP 2.0.1 M01, M02; PROTOCOLS 3.6).

There is no common protocol towards pools: this speaks JSON over HTTPS in the words of OCPP (`iso15118SchemaVersion`, `action`,
`exiRequest` -> `exiResponse`), for a pool or an adapter in front of one. Without a pool every request fails, and says so.
"""

import msgspec
import structlog

from gateways.pki.limits import POOL_BYTES, POOL_SECONDS
from gateways.pki.ocsp import Egress

_log = structlog.get_logger("pki")


class ContractPool:
    def __init__(self, egress: Egress, url: str, token: str = "") -> None:
        self._egress = egress
        self._url = url
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    async def answer(self, schema: str, action: str, exi: str) -> str | None:
        """The EXI answer, base64; None when the pool has none or does not answer in time."""
        body = msgspec.json.encode({"iso15118SchemaVersion": schema, "action": action, "exiRequest": exi})
        try:
            answer = await self._egress.request(
                "POST", self._url, headers=self._headers, body=body, seconds=POOL_SECONDS, max_bytes=POOL_BYTES
            )  # fmt: skip
            if answer.status != 200:
                raise ValueError(f"HTTP {answer.status}")
            found = msgspec.json.decode(answer.body)
            response = found.get("exiResponse") if isinstance(found, dict) else None
            return response if isinstance(response, str) and response else None
        except Exception as error:
            _log.warning("pki.pool_unanswered", detail=str(error))
            return None
