"""The certificate desk of a node: our own CAs or one outside, responders and pools, all through the egress gate."""

from actors.ports import Snapshots, Vault
from config.settings import Settings
from gateways.egress import EgressGate
from gateways.pki.desk import TOPIC, Desk
from gateways.pki.est import EstAuthority
from gateways.pki.pool import ContractPool
from runtime.system import System


def certificate_desk(settings: Settings, system: System, vault: Vault, snapshots: Snapshots) -> Desk:
    """It answers the actors' wishes from the system's outbox on."""
    gate, pki = EgressGate(settings.egress.allow), settings.pki
    external = pool = None
    if pki.est_url is not None:
        password = pki.est_password.get_secret_value() if pki.est_password is not None else ""
        external = EstAuthority(gate, pki.est_url, user=pki.est_user, password=password)
    if pki.contract_pool_url is not None:
        token = pki.contract_pool_token.get_secret_value() if pki.contract_pool_token is not None else ""
        pool = ContractPool(gate, pki.contract_pool_url, token)
    desk = Desk(system, vault, snapshots, gate, external=external, pool=pool)
    system.outbox.handle(TOPIC, desk.deliver)
    return desk
