"""`python -m gateways.payments.sandbox`: a sandbox in a process of its own. Prints one line of JSON with its URL, then serves."""

import argparse
import signal
import sys
from pathlib import Path

import msgspec
import trio

from gateways.payments.sandbox.config import Config
from gateways.payments.sandbox.sandbox import Sandbox


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gateways.payments.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, help="directory in which the state survives a restart")
    parser.add_argument("--config", help='JSON of config.py, e.g. \'{"merchants": ["acct_1"], "hooks": [...]}\'')
    return parser.parse_args()


def _told(config: Config) -> dict[str, str]:
    return {"secret_key": config.secret_key, "client_id": config.client_id, "platform": config.platform}


async def _main(given: argparse.Namespace) -> None:
    config = msgspec.json.decode(given.config, type=Config) if given.config else Config()
    sandbox = Sandbox(config, given.state)
    # Whoever has read the line may send a signal at once.
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            url = await nursery.start(sandbox.run, given.host, given.port)
            line = {"url": url, **_told(config), "others": [_told(one) for one in config.others]}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()
            async for _ in signals:
                nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(_main, _arguments())
