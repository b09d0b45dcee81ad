"""Hostile frames: whatever a station sends, the process lives, no other station notices, and nothing grows without end.

Seeded; the seed of a failing run is in its test id. Three kinds of noise: bytes changed in valid frames, values changed in
valid messages, and rubbish on the WebSocket level.
"""

import random
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import trio
import trio.lowlevel

from gateways.ocpp.v16.messages import FROM_STATION as FROM_STATION_1_6
from gateways.ocpp.v201.messages import FROM_STATION as FROM_STATION_2_0_1
from tests.gateways.ocpp import wire
from tests.gateways.ocpp.node import TAG, Node, Station, connect, open_node, small_limits
from tests.protocol.schemas import Generator, dump, schema, schema_201

SAID = {"ocpp1.6": (sorted(FROM_STATION_1_6), schema), "ocpp2.0.1": (sorted(FROM_STATION_2_0_1), schema_201)}
"""Version -> the actions of a station, and what tells how they look."""
BOOTS = {
    "ocpp1.6": {"chargePointVendor": "V", "chargePointModel": "M"},
    "ocpp2.0.1": {"chargingStation": {"vendorName": "V", "model": "M"}, "reason": "PowerUp"},
}
ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, 10**30, 1.5, "", "0", "x" * 1000, "\x00", "\U0001f600", [], {}, [[]], {"a": {"b": []}},
    "2026", "NaN", "1E+99999999", "9999-12-31T23:59:59-12:00", "0000-00-00T00:00:00Z",
]  # fmt: skip
FRAMES = 1500


def _changed_values(rng: random.Random, value: Any) -> Any:
    """The same message with some of its values replaced by odd ones."""
    if isinstance(value, dict):
        changed = {name: _changed_values(rng, inner) for name, inner in value.items() if rng.random() > 0.05}
        if rng.random() < 0.05:
            changed[rng.choice(["", "connectorId", "EVSEID", "x" * 100])] = rng.choice(ODD)
        return changed
    if isinstance(value, list):
        return [_changed_values(rng, inner) for inner in value] * rng.choice([1, 1, 1, 0, 5])
    return rng.choice(ODD) if rng.random() < 0.15 else value


def _changed_bytes(rng: random.Random, frame: bytes) -> bytes:
    data = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0 if at < len(data):
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 9)]
            case 2:
                data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 9)))
            case _:
                data[at:at] = rng.choice([b"[", b"{", b'"', b",", b"\\u0000", b"\\ud800", b"null"]) * rng.randint(1, 40)
    return bytes(data)


def _messages(rng: random.Random, version: str) -> Any:
    generator = Generator(rng)
    actions, schema_of = SAID[version]
    while True:
        action = rng.choice(actions)
        payload = generator.valid(schema_of(action))
        if rng.random() < 0.6:
            payload = _changed_values(rng, payload)
        kind = rng.choices([2, 3, 4, 5, 6, 9], [20, 2, 2, 1, 1, 1])[0]
        text = f"[{kind},{msgspec.json.encode(rng.choice(['id', 'x' * 300, str(rng.random())])).decode()},"
        text += f'"{action}",{dump(payload)}]' if kind in (2, 6) else f"{dump(payload)}]"
        frame = text.encode("utf-8", "surrogatepass")
        if rng.random() < 0.4:
            frame = _changed_bytes(rng, frame)
            if rng.random() < 0.97:  # invalid UTF-8 ends a connection, and most of the noise should be read
                frame = frame.decode("utf-8", "replace").encode()
        yield frame


async def _drain(station: Station) -> None:
    try:
        while await station.stream.receive_some(65536):
            pass
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def _storm(node: Node, version: str, frames: list[bytes]) -> None:
    """Send everything; whenever the node closes, come back."""
    left = list(frames)
    while left:
        station = await connect(node, subprotocols=version)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_drain, station)
            try:
                while left:
                    await station.stream.send_all(left.pop())
            except trio.BrokenResourceError:
                pass
            if not left:
                await trio.sleep(0.1)
            await station.aclose()


async def _bystander(node: Node, station: Station, stop: trio.Event) -> None:
    """A well-behaved station meanwhile: every call answered, its transaction its own."""
    start = {"connectorId": 1, "idTag": TAG, "meterStart": 100, "timestamp": node.system.now().isoformat()}
    number = (await station.call("StartTransaction", start))["transactionId"]
    beats = 0
    while not stop.is_set():
        with trio.fail_after(60):
            assert (await station.call("Heartbeat", {}))["currentTime"]
        beats += 1
        await trio.sleep(0.02)
    ended = {"transactionId": number, "meterStop": 300, "timestamp": node.system.now().isoformat()}
    assert await station.call("StopTransaction", ended) == {}
    assert beats


@pytest.mark.parametrize("version", sorted(SAID))
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_fuzzed_messages_kill_nothing_and_nobody(seed: int, version: str) -> None:
    rng = random.Random(seed)
    messages = _messages(rng, version)
    frames = [wire.frame(wire.TEXT, next(messages)) for _ in range(FRAMES)]
    limits = small_limits(message_burst=10**9, crash_retries=3)
    async with open_node(limits=limits) as node:
        await node.register("GOOD")
        await node.register("CP1", versions=(version,))
        with trio.fail_after(60):
            good, bad = await connect(node, "GOOD"), await connect(node, subprotocols=version)
            await good.boot()
            await bad.call("BootNotification", BOOTS[version])
            stop = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_bystander, node, good, stop)
                await _storm(node, version, frames)
                stop.set()
            (row,) = (await node.queries.sessions("demo", "GOOD", None, 10, None)).items
            assert (row.state, row.energy_wh) == ("ended", 200)
            after = await connect(node, subprotocols=version)
            assert (await after.call("BootNotification", BOOTS[version]))["status"] == "Accepted"
            stats = node.listener.stats()
            assert stats["malformed"] > 50
            assert stats["contained"] == 0, "a frame met a fault of our own"
            assert stats["stations"] == 2
            dead, _ = await node.store.dead_letters(None, None, 10, None)
            assert dead == [], "a frame crashed an actor"


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_rubbish_on_the_websocket_level_kills_nothing_and_nobody(seed: int) -> None:
    rng = random.Random(seed)
    beat = wire.frame(wire.TEXT, b'[2,"1","Heartbeat",{}]')
    limits = small_limits(close_within=1)
    async with open_node(limits=limits) as node:
        await node.register("GOOD")
        with trio.fail_after(60):
            good = await connect(node, "GOOD")
            await good.boot()
            stop = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_bystander, node, good, stop)
                for _ in range(60):
                    noise = bytes(rng.randrange(256) for _ in range(rng.randint(1, 300)))
                    kind = rng.randrange(3)
                    if kind == 0:
                        stream = await trio.open_tcp_stream("127.0.0.1", node.port)
                        with suppress(trio.BrokenResourceError):  # it may be refused before all of it was sent
                            await stream.send_all(_changed_bytes(rng, wire.upgrade(key=rng.randbytes(16))))
                            await stream.send_eof()
                        with trio.move_on_after(1):
                            await wire.read_all(stream)
                        await stream.aclose()
                        continue
                    station = await connect(node)
                    data = noise if kind == 1 else _changed_bytes(rng, beat * 3)
                    try:
                        await station.stream.send_all(beat + data)
                        await trio.lowlevel.checkpoint()
                        await station.stream.send_all(beat)
                    except trio.BrokenResourceError:
                        pass
                    await station.aclose()
                stop.set()
            while node.listener.stats()["connections"] > 1:
                await trio.sleep(0.02)
            assert node.listener.stats()["stations"] == 1
