"""How a device model lies in memory: one JSON text a component, opened only where a message touches it.

A station may tell thousands of variables, and hundreds of stations may tell them at once. As objects they take a kilobyte
each; as text, packed by component, a tenth of that, and a checkpoint copies them as they are. Names have no case
(PROTOCOLS 3.4): keys are folded, and the spelling that came first is kept.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import msgspec

from actors.model.device import Attribute, Characteristics, Place, Variable
from actors.model.intents import VariableRef

PINNED = 2**52
"""`seen` of what no report may remove: the boot told it."""


class Kept(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A variable within its component. `seen`: the number of the report that mentioned it last."""

    variable: str
    instance: str | None
    attributes: tuple[Attribute, ...]
    characteristics: Characteristics
    key_1_6: str | None
    seen: int


class Pack(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A component of the station, of an EVSE or of a connector, as the station spells it."""

    component: str
    instance: str | None
    evse: int | None
    connector: int | None
    variables: tuple[Kept, ...]


Name = tuple[str, str]
_decode = msgspec.json.Decoder(Pack).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def component_key(ref: VariableRef) -> str:
    """What makes a component unique in its station, folded."""
    return _component_key(ref.component, ref.component_instance, ref.evse, ref.connector)


@lru_cache(maxsize=8192)
def _component_key(component: str, instance: str | None, evse: int | None, connector: int | None) -> str:
    return f"{component}/{instance or ''}@{evse or 0}.{connector or 0}".lower()


@lru_cache(maxsize=16384)
def name_of(variable: str, instance: str | None) -> Name:
    return variable.lower(), (instance or "").lower()


def variable_key(ref: VariableRef) -> str:
    """What makes a variable unique in its station, folded."""
    variable, instance = name_of(ref.variable, ref.variable_instance)
    return f"{component_key(ref)}:{variable}/{instance}"


class _Open:
    """A pack taken apart."""

    __slots__ = ("dirty", "kept", "pack")

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.kept: dict[Name, Kept] = {name_of(kept.variable, kept.instance): kept for kept in pack.variables}
        self.dirty = False

    def variable(self, kept: Kept) -> Variable:
        pack = self.pack
        ref = VariableRef(
            pack.component, kept.variable, pack.instance, kept.instance, pack.evse, pack.connector, kept.key_1_6
        )  # fmt: skip
        return Variable(ref, kept.attributes, kept.characteristics)


class Model(Mapping[Place, Variable]):
    """A device model, opened where it is looked at. The packs that it was made of stay as they are: `packs()` are those after
    the changes."""

    def __init__(self, packs: Mapping[str, str]) -> None:
        self._packs = packs
        self._open: dict[str, _Open] = {}

    def _at(self, ref: VariableRef) -> _Open | None:
        return self._opened(component_key(ref))

    def _opened(self, key: str) -> _Open | None:
        found = self._open.get(key)
        if found is None:
            text = self._packs.get(key)
            if text is None:
                return None
            found = self._open[key] = _Open(_decode(text))
        return found

    def canonical(self, ref: VariableRef) -> VariableRef:
        """The same in the spelling that is kept; an EVSE or connector of 0 is none."""
        evse, connector = ref.evse or None, ref.connector or None
        component, instance, variable, variable_instance = (
            ref.component, ref.component_instance, ref.variable, ref.variable_instance,
        )  # fmt: skip
        found = self._at(ref)
        if found is not None:
            component, instance = found.pack.component, found.pack.instance
            kept = found.kept.get(name_of(variable, variable_instance))
            if kept is not None:
                variable, variable_instance = kept.variable, kept.instance
        return VariableRef(component, variable, instance or None, variable_instance or None, evse, connector, ref.key_1_6)

    def known(self, ref: VariableRef) -> Variable | None:
        found = self._at(ref)
        kept = found.kept.get(name_of(ref.variable, ref.variable_instance)) if found is not None else None
        return found.variable(kept) if found is not None and kept is not None else None

    def put(self, variable: Variable, seen: int) -> bool:
        """Put it in the place of the one that is there; True when there was none."""
        ref = variable.ref
        key = component_key(ref)
        found = self._opened(key)
        if found is None:
            pack = Pack(ref.component, ref.component_instance, ref.evse, ref.connector, ())
            found = self._open[key] = _Open(pack)
        name = name_of(ref.variable, ref.variable_instance)
        before = found.kept.get(name)
        found.kept[name] = Kept(
            ref.variable, ref.variable_instance, variable.attributes, variable.characteristics, ref.key_1_6,
            max(seen, before.seen) if before is not None else seen,
        )  # fmt: skip
        found.dirty = True
        return before is None

    def remove(self, ref: VariableRef) -> bool:
        found = self._at(ref)
        if found is None or found.kept.pop(name_of(ref.variable, ref.variable_instance), None) is None:
            return False
        found.dirty = True
        return True

    def packs(self) -> dict[str, str]:
        after = dict(self._packs)
        for key, found in self._open.items():
            if not found.dirty:
                continue
            if not found.kept:
                after.pop(key, None)
                continue
            pack = found.pack
            whole = Pack(pack.component, pack.instance, pack.evse, pack.connector, tuple(found.kept.values()))
            after[key] = _encode(whole).decode()
        return after

    # -- as a mapping by place, for actors.model.device.merge

    def __getitem__(self, place: Place) -> Variable:
        component, instance, variable, variable_instance, evse, connector = place
        known = self.known(VariableRef(component, variable, instance, variable_instance, evse, connector))
        if known is None:
            raise KeyError(place)
        return known

    def __iter__(self) -> Iterator[Place]:
        return (variable.place for variable in self.all())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def all(self) -> Iterator[Variable]:
        for key in list(self._packs.keys() | self._open.keys()):
            found = self._opened(key)
            if found is not None:
                for kept in found.kept.values():
                    yield found.variable(kept)


def unmentioned(packs: Mapping[str, str], since: int, keys_only: bool, most: int) -> list[VariableRef]:
    """Variables that no report numbered `since` or later mentioned, `most` of them at most; `keys_only`: among those that
    are 1.6 keys."""
    found: list[VariableRef] = []
    for text in packs.values():
        pack = _decode(text)
        for kept in pack.variables:
            if kept.seen >= since or (keys_only and kept.key_1_6 is None):
                continue
            found.append(
                VariableRef(pack.component, kept.variable, pack.instance, kept.instance, pack.evse, pack.connector, kept.key_1_6)
            )
            if len(found) >= most:
                return found
    return found
