"""What a session's signed meter values are worth, worked out when somebody looks: the records themselves are kept as they
came."""

from collections.abc import Sequence

from actors.model import ocmf
from actors.model.meter import Reading, Sample
from gateways.web.limits import SIGNED_RECORDS
from gateways.web.session_views import SignedRecordView, SignedView
from gateways.web.views import utc


def judge_signed(readings: Sequence[Reading], key: str) -> SignedView | None:
    """`key`: the public key that the station told of this meter ("" where it did not); a record's own goes before it. None
    where nothing is signed. Of a long charge the first and the last records are looked at."""
    found = [(reading, sample) for reading in readings for sample in reading.samples if sample.signed]
    if not found:
        return None
    if len(found) > SIGNED_RECORDS:
        half = SIGNED_RECORDS // 2
        found = [*found[:half], *found[-half:]]
    views: list[SignedRecordView] = []
    records: list[ocmf.Record] = []
    for reading, sample in found:
        view, record, key = _judge(reading, sample, key)
        views.append(view)
        if record is not None:
            records.append(record)
    problems = list(ocmf.check(records)) if records else ["no record could be read"]
    sound = all(views[n].verified == "valid" for n in (0, -1))
    return SignedView(views, problems, sound and not problems)


def _judge(reading: Reading, sample: Sample, key: str) -> tuple[SignedRecordView, ocmf.Record | None, str]:
    """The last is the key to go on with: PublicKeyWithSignedMeterValue may tell it once."""
    signed = ocmf.open_signed(sample.raw)
    key = signed.key or key
    at, context = utc(reading.at) or reading.at, sample.context
    if signed.method.upper() != "OCMF":
        return SignedRecordView(at, context, signed.method, "unsupported"), None, key
    try:
        record = ocmf.parse(signed.text)
    except ocmf.BadOcmf as bad:
        return SignedRecordView(at, context, signed.method, "unreadable", detail=str(bad)), None, key
    last = record.readings[-1]
    view = SignedRecordView(
        at=at,
        context=context,
        method=signed.method,
        verified=ocmf.verify(record, ocmf.read_key(key)),
        meter=record.meter,
        page=f"{record.page[0]}{record.page[1]}" if record.page is not None else None,
        value=last.value,
        unit=last.unit,
    )
    return view, record, key
