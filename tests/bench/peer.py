"""The obvious peer: what most people would write. PyPI `ocpp` on `websockets` on asyncio, one pooled, prepared
asyncpg insert per message that carries state, same database settings, reply after the insert. No business
logic at all: no tokens, no sessions, no rating, no supervision. So every ratio flatters the peer.
"""

import argparse
import asyncio
import itertools
import json
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import asyncpg
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.datatypes import IdTagInfo

SCHEMA = """CREATE TABLE IF NOT EXISTS peer_message
    (id bigserial PRIMARY KEY, station text, action text, body jsonb, at timestamptz DEFAULT now())"""
INSERT = "INSERT INTO peer_message (station, action, body) VALUES ($1, $2, $3)"


def now() -> str:
    return datetime.now(UTC).isoformat()


class Peer(ChargePoint):
    pool: asyncpg.Pool
    numbers = itertools.count(1)

    async def keep(self, action: str, body: dict[str, Any]) -> None:
        async with self.pool.acquire() as connection:
            await connection.execute(INSERT, self.id, action, json.dumps(body))

    @on("BootNotification")
    async def boot(self, **body: Any) -> Any:
        await self.keep("BootNotification", body)
        return call_result.BootNotification(current_time=now(), interval=300, status="Accepted")

    @on("StatusNotification")
    async def status(self, **body: Any) -> Any:
        await self.keep("StatusNotification", body)
        return call_result.StatusNotification()

    @on("StartTransaction")
    async def begin(self, **body: Any) -> Any:
        await self.keep("StartTransaction", body)
        return call_result.StartTransaction(transaction_id=next(self.numbers), id_tag_info=IdTagInfo(status="Accepted"))

    @on("MeterValues")
    async def meter(self, **body: Any) -> Any:
        await self.keep("MeterValues", body)
        return call_result.MeterValues()

    @on("StopTransaction")
    async def end(self, **body: Any) -> Any:
        await self.keep("StopTransaction", body)
        return call_result.StopTransaction(id_tag_info=IdTagInfo(status="Accepted"))

    @on("Heartbeat")
    async def heartbeat(self) -> Any:
        return call_result.Heartbeat(current_time=now())


async def serve(dsn: str, port: int, pool_size: int) -> None:
    Peer.pool = await asyncpg.create_pool(dsn, min_size=pool_size, max_size=pool_size)
    await Peer.pool.execute(SCHEMA)

    async def connected(socket: Any) -> None:
        peer = Peer(socket.request.path.rsplit("/", 1)[-1], socket)
        with suppress(websockets.ConnectionClosed):
            await peer.start()

    async with websockets.serve(connected, "127.0.0.1", port, subprotocols=["ocpp1.6"], ping_interval=None, compression=None):
        print("ready", flush=True)
        await asyncio.Future()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pool", type=int, default=20)
    args = parser.parse_args()
    logging.disable(logging.INFO)
    asyncio.run(serve(args.dsn, args.port, args.pool))


if __name__ == "__main__":
    main()
