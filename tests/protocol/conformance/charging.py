"""Charges as a 2.0.1 station tells them: events with numbers of their own, readings, and what has to come of it."""

import itertools
import uuid
from typing import Any

from tests.protocol.conformance.kit import TAG, TENANT, Csms, Station, now

FIRST_WH, LAST_WH = 100_000, 108_000
PRICE = 4.76
"""8 kWh at 0.50 EUR and 19 % VAT (kit.TARIFF)."""


def id_token(text: str = TAG, type: str = "ISO14443") -> dict[str, Any]:
    return {"idToken": text, "type": type}


def reading(wh: float, seconds: float = 0, context: str = "Sample.Periodic", **more: Any) -> list[dict[str, Any]]:
    """One meterValue with the register, in Wh."""
    sample = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}}
    return [{"timestamp": now(seconds), "sampledValue": [{**sample, **more}]}]


class Charge:
    """A transaction: its id, and the numbers of its events. `began`: seconds from now, so that an hour fits into a test."""

    def __init__(self, station: Station, *, began: float = -3600) -> None:
        self.station = station
        self.id = str(uuid.uuid4())
        self.began = began
        self._numbers = itertools.count()

    def made(self, kind: str, trigger: str, minutes: float, **fields: Any) -> dict[str, Any]:
        """An event as payload; `evse`: its number; `token`: text; `wh`: register; `context`: of the
        register; `state`, `reason`: of transactionInfo."""
        seconds = self.began + minutes * 60
        info = {"transactionId": self.id}
        info |= {wire: fields.pop(name) for name, wire in _INFO.items() if name in fields}
        payload: dict[str, Any] = {
            "eventType": kind, "timestamp": now(seconds), "triggerReason": trigger, "seqNo": next(self._numbers),
            "transactionInfo": info,
        }  # fmt: skip
        if "evse" in fields:
            payload["evse"] = {"id": fields.pop("evse"), "connectorId": 1}
        if "token" in fields:
            token = fields.pop("token")
            payload["idToken"] = token if isinstance(token, dict) else id_token(token)
        if "wh" in fields:
            context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
            payload["meterValue"] = reading(fields.pop("wh"), seconds, fields.pop("context", context))
        return payload | fields

    async def tells(self, kind: str, trigger: str, minutes: float, **fields: Any) -> dict[str, Any]:
        return await self.station.call("TransactionEvent", self.made(kind, trigger, minutes, **fields))

    async def session(self) -> dict[str, Any]:
        """The session of this transaction, whole."""
        rows = [row for row in await self.station.sessions() if row["transaction_id"] == self.id]
        assert len(rows) == 1, rows
        found: dict[str, Any] = await self.station.csms.get(f"/tenants/{TENANT}/sessions/{rows[0]['id']}")
        return found

    async def settled(self, state: str = "ended") -> dict[str, Any]:
        csms = self.station.csms
        await csms.until(self.station.sessions, lambda rows: any(row["transaction_id"] == self.id for row in rows))
        found: dict[str, Any] = await csms.until(self.session, lambda session: session["state"] == state)
        return found


_INFO = {"state": "chargingState", "reason": "stoppedReason", "spent": "timeSpentCharging", "remote": "remoteStartId"}


async def billed(
    charge: Charge, *, wh: int = LAST_WH - FIRST_WH, price: float = PRICE, token: str = TAG, remarks: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The session ended, and was rated, booked and put in one CDR; the session."""
    session = await charge.settled()
    assert session["energy_wh"] == wh
    assert session["anomalies"] == list(remarks), session["anomalies"]
    assert session["cost"]["incl"] == {"amount_minor": round(price * 100), "currency": "EUR"}
    csms = charge.station.csms
    cdr = await csms.get(f"/tenants/{TENANT}/cdrs/{session['cdr']}")
    assert cdr["session"] == session["id"]
    assert cdr["total_cost"]["incl_vat"] == price
    assert cdr["total_energy"] == wh / 1000
    journal = await csms.get(f"/tenants/{TENANT}/ledger/journals/{cdr['journal']}")
    debit = sum(entry["amount_minor"] for entry in journal["entries"] if entry["side"] == "debit")
    credit = sum(entry["amount_minor"] for entry in journal["entries"] if entry["side"] == "credit")
    assert debit == credit == round(price * 100)
    known = await csms.get(f"/tenants/{TENANT}/tokens/ISO14443/{token}")
    assert session["token_ref"] == known["ref"]
    return session


async def evse(csms: Csms, station: Station, number: int) -> dict[str, Any]:
    shown = await station.get()
    found: dict[str, Any] = next(one for one in shown["evses"] if one["id"] == number)
    return found
