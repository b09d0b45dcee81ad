"""What the keeper of a station's display messages is told (OCPP 2.0.1 block O). Reply: Done."""

import msgspec

from actors.model.intents import DisplayMessage


class DisplayPart(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """NotifyDisplayMessages."""

    request_id: int
    more: bool
    messages: tuple[DisplayMessage, ...] = ()
