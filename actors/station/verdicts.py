"""What a station is told of a token, from the snapshots in memory."""

from datetime import datetime

from actors.model.token import IdToken, TokenVerdict, judge
from actors.ports import Snapshots
from actors.station.messages import Authorize


def verdict(snapshots: Snapshots, tenant: str, token: IdToken, now: datetime) -> TokenVerdict:
    """A station that lets anybody charge says so instead of naming a token (C02.FR.02)."""
    if token.type == "NoAuthorization":
        return TokenVerdict("Accepted")
    return judge(snapshots.token(tenant, token.ref), now)


def contract_verdict(snapshots: Snapshots, tenant: str, message: Authorize, now: datetime) -> TokenVerdict:
    """Of the contract, however its id is written."""
    for ref in (message.token.ref, *message.spellings):
        card = snapshots.token(tenant, ref)
        if card is not None:
            return judge(card, now)
    return judge(None, now)
