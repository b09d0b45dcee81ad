"""What the keeper of a station's configuration is told: which template the station should have, and what that says."""

import msgspec

from actors.model.decision import AddressKey
from actors.model.settings import Setting
from actors.station.letters import StationBooted


class Assign(msgspec.Struct, frozen=True, gc=False):
    """By an operator. Reply: Done."""

    template: str
    who: str


class Unassign(msgspec.Struct, frozen=True, gc=False):
    """Without a template from now on; what was set stays set. Reply: Done, or Refused (unknown: it has none)."""

    who: str


class ApplyNow(msgspec.Struct, frozen=True, gc=False):
    """Compare, and set what differs, whatever the template says about enforcing. Reply: Done or Refused."""

    who: str


class AssignFor(msgspec.Struct, frozen=True, gc=False, tag="assign_for"):
    """Letter from a campaign (`by`): have this template, and tell me under `id` (KeeperDone) when nothing is pending."""

    template: str
    id: str
    by: AddressKey


class Offered(msgspec.Struct, frozen=True, gc=False, tag="offered"):
    """Letter from a template that matches this station: see at the next boot whether it should have it."""

    template: str


class TemplateSays(msgspec.Struct, frozen=True, gc=False, tag="template_says"):
    """Letter from the template that this station has."""

    template: str
    version: int
    enforce: str
    settings: tuple[Setting, ...]


class TemplateGone(msgspec.Struct, frozen=True, gc=False, tag="template_gone"):
    """Letter: there is no such template (any more)."""

    template: str


class RoundDue(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="round_due"):
    """Durable timer: read the values and compare; `sets`: set what differs, `anew`: even what the station has refused."""

    sets: bool
    anew: bool = False


class Begin(msgspec.Struct, frozen=True, gc=False):
    """Volatile: RoundDue with how many variables the station takes in one message."""

    due: RoundDue
    items: int


class Booted(msgspec.Struct, frozen=True, gc=False):
    """Volatile: StationBooted with the template that matches; None: none does."""

    told: StationBooted
    matched: str | None


class Value(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What was read of a setting (`key`): `status` as the station gave it."""

    key: str
    value: str | None = None
    status: str = "Accepted"
