"""Intents that name people: how they are kept while they wait, and how they are read again.

A letter and a fact are rows like any other, so an intent with a token text, a customer or a secret in it lies there as
ciphertext. Whoever orders one seals it (`order_of`); who is told of one opens it (`opened`).
"""

from datetime import datetime

import msgspec

from actors.model import intents as i
from actors.model.decision import AddressKey
from actors.model.device import is_secret
from actors.model.rows import VaultRow
from actors.ports import Vault
from actors.station.letters import IntentDone, Order

KIND = "intent"
_PERSONAL = (i.RequestStart, i.SendLocalList, i.ReserveNow, i.CustomerInformation, i.DataTransfer, i.UserPrice)
_decode = msgspec.json.Decoder(i.AnyIntent).decode


def needs_seal(intent: i.AnyIntent) -> bool:
    """Does it hold a token, a customer or a secret? Vendor data may hold anything."""
    if isinstance(intent, i.SetNetworkProfile):
        return bool(intent.profile.vpn or intent.profile.apn)
    return isinstance(intent, _PERSONAL) or _has_secret(intent)


def _has_secret(intent: i.AnyIntent) -> bool:
    if isinstance(intent, i.SetVariable):
        return is_secret(intent.ref)
    return isinstance(intent, i.SetVariables) and any(is_secret(setting.ref) for setting in intent.settings)


def without_secrets(intent: i.AnyIntent) -> i.AnyIntent:
    """The same with the values of secret variables emptied: no book keeps them."""
    if isinstance(intent, i.SetVariable):
        return msgspec.structs.replace(intent, value="") if is_secret(intent.ref) else intent
    if isinstance(intent, i.SetVariables) and _has_secret(intent):
        emptied = tuple(msgspec.structs.replace(s, value="") if is_secret(s.ref) else s for s in intent.settings)
        return msgspec.structs.replace(intent, settings=emptied)
    if isinstance(intent, i.SetNetworkProfile):
        return msgspec.structs.replace(intent, profile=msgspec.structs.replace(intent.profile, vpn=None, apn=None))
    return intent


def result_without_secrets(result: i.CommandResult) -> i.CommandResult:
    """An answer as it may lie in a letter."""
    if not any(told.value and is_secret(told.ref) for told in result.variables):
        return result
    emptied = tuple(msgspec.structs.replace(t, value=None) if is_secret(t.ref) else t for t in result.variables)
    return msgspec.structs.replace(result, variables=emptied)


def seal(vault: Vault, tenant: str, ref: str, intent: i.AnyIntent) -> VaultRow:
    """The intent as a VaultRow under `ref` (an order's id); it travels in the letter and is written to no table."""
    return vault.seal(tenant, ref, KIND, msgspec.json.encode(intent).decode())


def opened(vault: Vault, message: Order | IntentDone) -> i.AnyIntent:
    """The intent of either, sealed or not. Raises what the vault raises for a cell that does not open."""
    if message.sealed is not None:
        intent: i.AnyIntent = _decode(vault.open(message.sealed))
        return intent
    if message.intent is None:
        raise ValueError(f"a {type(message).__name__} without an intent")
    return message.intent


def order_of(vault: Vault, tenant: str, id: str, intent: i.AnyIntent, not_after: datetime, by: AddressKey) -> Order:
    """An Order, sealed where it has to be. `id` is unique for the station; the same id again is the same order."""
    if needs_seal(intent):
        return Order(id, not_after, by, sealed=seal(vault, tenant, id, intent))
    return Order(id, not_after, by, intent)
