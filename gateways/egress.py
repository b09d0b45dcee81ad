"""The one way out: every URL that somebody else gave us and that we are to call goes through this gate.

    gate = EgressGate(("10.20.0.0/16",))
    answer = await gate.request("POST", url, headers=..., body=..., seconds=30, max_bytes=1_000_000)

A station, a driver or a partner may name any URL, that of our own database or of a cloud's metadata among them. The gate
resolves the host itself, refuses every address that is not a public one unless the operator allows its range, and connects to
the very address that it judged, so that a name which resolves otherwise a moment later (DNS rebinding) changes nothing. It
follows no redirect, uses no proxy, sends no cookie, and bounds time and size.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpcore
import msgspec
import trio

URL_CHARACTERS = 2_048
CONNECT_SECONDS = 10.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its addresses as texts, the preferred one first. Raises OSError."""
AnyAddress = IPv4Address | IPv6Address
_NAT64 = ip_network("64:ff9b::/96")


class EgressError(Exception):
    """No answer. `sent`: whether the request may have reached the other side."""

    sent = False


class EgressRefused(EgressError):
    """The gate does not let this URL pass; the message says why and which setting would."""


class EgressUnreachable(EgressError):
    """No connection: nothing was sent."""


class EgressTimeout(EgressError):
    sent = True


class EgressBroken(EgressError):
    """The connection ended, or what came is no HTTP: what became of the request nobody knows."""

    sent = True


class EgressTooLarge(EgressError):
    sent = True


class EgressAnswer(msgspec.Struct, frozen=True):
    """`headers` by their lower-case names; `body` as it came, still encoded where `content-encoding` says so."""

    status: int
    headers: dict[str, str]
    body: bytes


def parse_networks(texts: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Ranges as CIDR. Raises ValueError that names the wrong one."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(text.strip(), strict=False))
        except ValueError:
            raise ValueError(f"{text!r} is no range of addresses such as 10.0.0.0/8 or fd00::/8") from None
    return tuple(found)


class EgressGate:
    def __init__(self, allow: Sequence[str] = (), *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> None:
        """`allow`: ranges beyond the public ones. `tls` None: the usual certificate authorities."""
        self._allowed = parse_networks(allow)
        self._resolve = resolve or _resolve
        self._tls = tls

    def problem(self, url: str) -> str | None:
        """What can be said against a URL without asking anybody: its form, or an address of a refused range."""
        if len(url) > URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
            return f"a URL has at most {URL_CHARACTERS} printable ASCII characters"
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return "this is no URL"
        if parts.scheme not in ("http", "https") or not host:
            return "a URL to call reads http://host/ or https://host/"
        if parts.username is not None or parts.password is not None:
            return "a URL to call carries no credentials"
        literal = _literal(host)
        return None if literal is None or self.allows(literal) else _refusal(host, literal)

    def allows(self, address: AnyAddress) -> bool:
        """Public, or in a range that the operator allows. An IPv6 address that stands for an IPv4 one is judged as that."""
        inner = _inside(address)
        if any(candidate in network for candidate in {address, inner} for network in self._allowed):
            return True
        if isinstance(inner, IPv6Address) and inner.is_site_local:  # deprecated, and "global" to the standard library
            return False
        return inner.is_global and not (inner.is_multicast or inner.is_reserved or inner.is_unspecified)

    async def find(self, host: str, port: int) -> list[str]:
        """The addresses of `host` that may be called, as texts. Raises EgressRefused, EgressUnreachable."""
        literal = _literal(host)
        if literal is not None:
            addresses = [literal]
        else:
            try:
                addresses = [ip_address(text.partition("%")[0]) for text in await self._resolve(host, port)]
            except (OSError, UnicodeError, ValueError):
                raise EgressUnreachable(f"nobody knows the host {host!r}") from None
        allowed = [str(address) for address in addresses if self.allows(address)]
        if not allowed:
            if not addresses:
                raise EgressUnreachable(f"nobody knows the host {host!r}")
            raise EgressRefused(_refusal(host, addresses[0]))
        return allowed

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", seconds: float, max_bytes: int
    ) -> EgressAnswer:
        """One request on a connection of its own. A redirect is an answer like any other. Raises EgressError."""
        problem = self.problem(url)
        if problem is not None:
            raise EgressRefused(problem)
        backend = _Pinned(self)
        try:
            with trio.fail_after(seconds):
                async with (
                    httpcore.AsyncConnectionPool(
                        network_backend=backend, ssl_context=self._tls, max_connections=1, http1=True, http2=False, retries=0
                    ) as pool,
                    _answer(pool, method, url, headers, body) as response,
                ):
                    return EgressAnswer(response.status, _folded(response.headers), await _bounded(response, max_bytes))
        except trio.TooSlowError:
            if backend.connected:
                raise EgressTimeout(f"no answer within {seconds:g} s") from None
            raise EgressUnreachable(f"no connection within {seconds:g} s") from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise EgressUnreachable(_said(error)) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise EgressBroken(_said(error)) from None


@asynccontextmanager
async def _answer(
    pool: httpcore.AsyncConnectionPool, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> AsyncIterator[httpcore.Response]:
    sent = [
        (b"Host", urlsplit(url).netloc.encode()),
        *((name.encode(), value.encode("latin-1")) for name, value in headers.items()),
    ]
    sent += [(b"Content-Length", str(len(body)).encode()), (b"Connection", b"close")]
    timeouts = {"connect": CONNECT_SECONDS}
    async with pool.stream(method, url, headers=sent, content=body, extensions={"timeout": timeouts}) as response:
        yield response


async def _bounded(response: httpcore.Response, most: int) -> bytes:
    received = bytearray()
    async for chunk in response.aiter_stream():
        received += chunk
        if len(received) > most:
            raise EgressTooLarge(f"the answer is longer than {most} bytes")
    return bytes(received)


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to the address that the gate has judged; the name stays what TLS and the Host header are about."""

    def __init__(self, gate: EgressGate) -> None:
        self._gate = gate
        self._trio = httpcore.TrioBackend()
        self.connected = False

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Any = None
    ) -> httpcore.AsyncNetworkStream:
        problem: Exception = EgressUnreachable(f"nobody knows the host {host!r}")
        for address in await self._gate.find(host, port):
            try:
                stream = await self._trio.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
                continue
            self.connected = True
            return stream
        raise problem

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        raise EgressRefused("no URL leads to a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _literal(host: str) -> AnyAddress | None:
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _inside(address: AnyAddress) -> AnyAddress:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64, Teredo), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.teredo[1] if address.teredo is not None else address


def _refusal(host: str, address: AnyAddress) -> str:
    where = f"{host} ({address})" if str(address) != host.strip("[]") else host
    return f"{where} is not a public address; setting egress.allow lists the ranges that may be called all the same"


def _folded(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _said(error: BaseException) -> str:
    """What the innermost layer had to say: those above it often say nothing."""
    told = type(error).__name__
    at: BaseException | None = error
    while at is not None:
        told = str(at) or told
        at = at.__cause__ or at.__context__
    return told
