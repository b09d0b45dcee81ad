"""The registry of quirks: what stations do that no specification says, and what is done about it. All of it is data.

    registry = load(Path("ours.toml"))                      # ours, with the operator's own file laid over them
    rules = registry.rules("ocpp1.6", made)                 # what applies to one kind of station
    quirk = registry.of_flag("time_zone")                   # whose mark that is

The entries stand in the TOML files of this folder, their shape in entry.py. Every number has a replay test.
"""

from gateways.ocpp.quirks.entry import EnumRule, Quirk
from gateways.ocpp.quirks.loader import QuirkError, load, ours
from gateways.ocpp.quirks.registry import Registry, Rules

__all__ = ["EnumRule", "Quirk", "QuirkError", "Registry", "Rules", "load", "ours"]
