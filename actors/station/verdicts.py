"""What a station is told of a token, from the snapshots in memory."""

from datetime import datetime

from actors.model.token import IdToken, TokenNotes, TokenVerdict, judge, notes_of
from actors.ports import Snapshots
from actors.station.decide import Station
from actors.station.messages import Authorize, AuthorizeReply
from actors.wallet.sizing import Funded, with_funds


def verdict(snapshots: Snapshots, here: Station, token: IdToken, now: datetime, evse: int | None = None) -> TokenVerdict:
    """A station that lets anybody charge says so instead of naming a token (C02.FR.02). `evse`: as far as known."""
    if token.type == "NoAuthorization":
        return TokenVerdict("Accepted")
    return judge(snapshots.token(here.tenant, token.ref), now, here.id, evse)


def notes(snapshots: Snapshots, here: Station, token: IdToken) -> TokenNotes | None:
    return notes_of(snapshots.token(here.tenant, token.ref), here.id)


def authorized(
    snapshots: Snapshots, here: Station, token: IdToken, protocol: str, now: datetime, funded: Funded | None = None
) -> TokenVerdict | AuthorizeReply:
    """The answer to Authorize. Versions before 2.x have no words for more than the verdict. `funded`: what a wallet said, where
    one pays; one that could not be asked has held nothing, and so pays nothing."""
    if funded == Funded():
        funded = Funded(status="NoCredit")
    judged, noted = with_funds(verdict(snapshots, here, token, now), funded), notes(snapshots, here, token)
    return judged if noted is None or not protocol.startswith("ocpp2") else AuthorizeReply(judged, None, noted)


def contract_verdict(snapshots: Snapshots, here: Station, message: Authorize, now: datetime) -> TokenVerdict:
    """Of the contract, however its id is written."""
    for ref in (message.token.ref, *message.spellings):
        card = snapshots.token(here.tenant, ref)
        if card is not None:
            return judge(card, now, here.id)
    return judge(None, now, here.id)
