"""The evidence of a dispute: its files are uploaded first, then it is handed in as a whole."""

import base64
import binascii
import io
from datetime import datetime
from typing import Any

import stripe

from actors.model.psp import PspRefused, Seen, SubmitEvidence
from gateways.payments.asking import plain, writing
from gateways.payments.limits import EVIDENCE_BYTES
from gateways.payments.seen import dispute_seen


async def submit(client: stripe.StripeClient, call: SubmitEvidence, now: datetime) -> Seen:
    try:
        files = {field: (name, base64.b64decode(body, validate=True)) for field, (name, body) in call.files.items()}
    except binascii.Error:
        return PspRefused("file_invalid", "a file of the evidence is not base64")
    if sum(len(body) for _, body in files.values()) > EVIDENCE_BYTES:
        return PspRefused("file_too_large", f"the files of a dispute may have {EVIDENCE_BYTES} bytes in all")
    told: dict[str, Any] = dict(call.texts)
    for field, (name, body) in files.items():
        content = io.BytesIO(body)
        content.name = name
        uploaded = await client.v1.files.create_async(
            {"purpose": "dispute_evidence", "file": content}, writing(call, f":{field}")
        )
        told[field] = uploaded.id
    asked: Any = {"evidence": told, "submit": True}
    dispute = await client.v1.disputes.update_async(call.dispute, asked, writing(call))
    return dispute_seen(plain(dispute))
