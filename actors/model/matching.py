"""Which stations are meant: globs over what a boot said. Campaigns and configuration templates choose by it."""

from fnmatch import fnmatchcase

import msgspec


class KnownStation(msgspec.Struct, frozen=True, gc=False):
    """A registered station as its last boot described it; empty where it never booted."""

    station: str
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    protocol: str = ""


class Match(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Globs (`*`, `?`, `[1-3]`), read without case; `protocol` is one of ours (ocpp1.6, ocpp2.0.1 ...). What is left out
    matches all."""

    vendor: str = "*"
    model: str = "*"
    firmware: str = "*"
    protocol: str = "*"

    def fits(self, known: KnownStation) -> bool:
        return all(
            fnmatchcase(said.lower(), glob.lower())
            for glob, said in (
                (self.vendor, known.vendor),
                (self.model, known.model),
                (self.firmware, known.firmware),
                (self.protocol, known.protocol),
            )
        )
