"""Which actor kinds there are, and who stands above whom in the tree.

`config` calls `register_all(system, env)` once, before `system.run`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from actors.authority.actor import AuthorityActor
from actors.campaign.actor import CampaignActor
from actors.certificates.actor import CertificatesActor
from actors.charging.actor import ChargingActor
from actors.configuration.actor import ConfigurationActor
from actors.device.actor import DeviceActor
from actors.display.actor import DisplayActor
from actors.env import ActorEnv
from actors.evse.actor import EvseActor
from actors.locallist.actor import LocalListActor
from actors.merchant.actor import MerchantActor
from actors.model.decision import AddressKey
from actors.model.ids import (
    AUTHORITY,
    CAMPAIGN,
    CERTIFICATES,
    CHARGING,
    CONFIGURATION,
    DEVICE,
    DISPLAY,
    EVSE,
    LOCAL_LIST,
    MERCHANT,
    PAYMENT,
    RESERVATION,
    SESSION,
    STATION,
    TEMPLATE,
    TENANT,
    WALLET,
)
from actors.payment.actor import PaymentActor
from actors.reservation.actor import ReservationActor
from actors.session.actor import SessionActor
from actors.station.actor import StationActor
from actors.template.actor import TemplateActor
from actors.tenant.actor import TenantActor
from actors.wallet.actor import WalletActor
from runtime.actor import Actor, Context
from runtime.address import Address


class Registrar(Protocol):
    """The part of `runtime.system.System` that is needed here."""

    def register(
        self,
        actor_class_kind: str,
        factory: Callable[[Context], Actor[Any]],
        *,
        parent: Callable[[Address], Address | None] | None = None,
    ) -> None: ...

    async def ask(self, to: AddressKey, message: Any, *, deadline: float) -> Any: ...


Keeper = Callable[[Context, ActorEnv], Actor[Any]]
KEEPERS: dict[str, Keeper] = {
    CERTIFICATES: CertificatesActor,
    CHARGING: ChargingActor,
    CONFIGURATION: ConfigurationActor,
    DEVICE: DeviceActor,
    DISPLAY: DisplayActor,
    LOCAL_LIST: LocalListActor,
    RESERVATION: ReservationActor,
}
"""Kind -> class of the keepers of a station's books (actors/station/siblings.py). What is missing here is refused."""


def register_all(system: Registrar, env: ActorEnv, keepers: Mapping[str, Keeper] = KEEPERS) -> None:
    """Tenants at the top; stations and sessions under their tenant, EVSEs and the keepers of its books under their station.

    A session's address does not name its station (it is a digest of the natural key), so it hangs under the tenant.
    """
    system.register(TENANT, lambda context: TenantActor(context, env))
    siblings = frozenset(keepers)
    system.register(STATION, lambda context: StationActor(context, env, siblings, system.ask), parent=_tenant_of)
    system.register(EVSE, lambda context: EvseActor(context, env), parent=_station_of)
    system.register(AUTHORITY, lambda context: AuthorityActor(context, env), parent=_tenant_of)
    system.register(TEMPLATE, lambda context: TemplateActor(context, env), parent=_tenant_of)
    system.register(CAMPAIGN, lambda context: CampaignActor(context, env), parent=_tenant_of)
    system.register(MERCHANT, lambda context: MerchantActor(context, env), parent=_tenant_of)
    system.register(WALLET, lambda context: WalletActor(context, env), parent=_tenant_of)
    system.register(SESSION, lambda context: SessionActor(context, env), parent=_tenant_of)
    system.register(PAYMENT, lambda context: PaymentActor(context, env), parent=_tenant_of)
    for kind, keeper in keepers.items():
        system.register(kind, _made(keeper, env), parent=_station_beside)


def _made(keeper: Keeper, env: ActorEnv) -> Callable[[Context], Actor[Any]]:
    return lambda context: keeper(context, env)


def _tenant_of(address: Address) -> Address | None:
    return Address(address.tenant, TENANT, address.tenant)


def _station_beside(address: Address) -> Address | None:
    return Address(address.tenant, STATION, address.id)


def _station_of(address: Address) -> Address | None:
    return Address(address.tenant, STATION, address.id.rpartition("#")[0])
