"""Who really asks, where a reverse proxy or a balancer of the operator's own stands in front.

Limits count by address: behind a proxy all drivers of a brand, and whoever guesses tokens, would share one. A proxy in a
trusted network is believed what it says in X-Forwarded-For and X-Forwarded-Proto; from everybody else these headers are
ignored, since anybody can send them.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from gateways.egress import parse_networks

HOPS = 16
"""Of X-Forwarded-For, from its end, that are looked at."""


class TrustedProxies:
    def __init__(self, networks: Iterable[str]) -> None:
        """Raises ValueError for what is no network."""
        self._networks = parse_networks(networks)

    def __contains__(self, address: str) -> bool:
        known = read_address(address)
        return known is not None and any(known in network for network in self._networks)

    def seen_through(self, scope: Mapping[str, Any]) -> Mapping[str, Any]:
        """The ASGI scope as the proxy's client sees it: the nearest address of X-Forwarded-For that is no trusted proxy, and the
        scheme it came by. A proxy that names nobody, or nothing that is an address, is the client itself."""
        client = scope.get("client")
        if not self._networks or client is None or client[0] not in self:
            return scope
        named: list[str] = []
        scheme = scope["scheme"]
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                named += value.decode("latin-1").split(",")
            elif name == b"x-forwarded-proto":
                said = value.decode("latin-1").rpartition(",")[2].strip().lower()
                scheme = said if said in ("http", "https") else scheme
        address = client[0]
        for text in named[: -HOPS - 1 : -1]:
            nearer = _address(text)
            if nearer is None:
                break
            address = nearer
            if address not in self:
                break
        return {**scope, "client": (address, 0), "scheme": scheme}


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """The peer's address without its zone, and an IPv4 one as that, also where IPv6 carries it; None for anything else."""
    try:
        known = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(known, "ipv4_mapped", None) or known


def _address(text: str) -> str | None:
    """`192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
