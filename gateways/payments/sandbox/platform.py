"""One platform account put together: its objects, its key, its webhook endpoints, its induced faults, its state file.

A sandbox may play several (`Config.others`). They know nothing of each other: a key opens one of them, events go to the
endpoints of one, and an account that is connected to two is two accounts here.
"""

import hmac
import re
from pathlib import Path
from urllib.parse import parse_qs

from gateways.payments.sandbox.accounts import new_account
from gateways.payments.sandbox.app import Api, Asked
from gateways.payments.sandbox.config import Config
from gateways.payments.sandbox.delivery import Deliverer
from gateways.payments.sandbox.errors import Obj
from gateways.payments.sandbox.faults import Faults
from gateways.payments.sandbox.records import new_endpoint_fields
from gateways.payments.sandbox.state_file import StateFile
from gateways.payments.sandbox.world import World

_PAGE = re.compile(r"/(?:c/pay|c/challenge|setup|3ds)/([A-Za-z0-9_]+)")


class Platform:
    def __init__(self, config: Config, state: Path | None = None) -> None:
        self.world = World(config)
        self.faults = Faults(config.seed)
        self.deliverer = Deliverer(self.world, self.faults)
        self.api = Api(self.world, self.faults)
        self.file = StateFile(self.world, state) if state is not None else None
        self._begin()

    def _begin(self) -> None:
        if self.file is not None:
            self.file.load()
        config, world = self.world.config, self.world
        if world.account(world.platform) is None:
            new_account(world, country=config.country, identity=world.platform, made_by="platform", done=True)
        for identity in config.merchants:
            if world.account(identity) is None:
                new_account(world, country=config.country, identity=identity, done=True)
        for hook in config.hooks:
            self.hook(hook.url, hook.secret, hook.connect, hook.events)
        for event in list(world.events):
            self._resume(world.objects[event])

    def _resume(self, event: Obj) -> None:
        """What was not delivered when the sandbox was stopped is delivered now."""
        if event["pending_webhooks"] > 0:
            connect = event["_account"] != self.world.platform
            for endpoint in self.world.newest(self.world.platform, "webhook_endpoint"):
                if endpoint["_connect"] == connect and endpoint["id"] not in event.get("_taken", []):
                    self.deliverer.again(event, endpoint["id"])

    def hook(self, url: str, secret: str, connect: bool = False, events: tuple[str, ...] = ("*",)) -> Obj:
        """Register a webhook endpoint with a secret of the caller's; the same URL again only gets the new secret."""
        world = self.world
        for endpoint in world.newest(world.platform, "webhook_endpoint"):
            if endpoint["url"] == url and endpoint["_connect"] == connect:
                endpoint["_secret"], endpoint["enabled_events"] = secret, list(events)
                world.save(endpoint)
                return endpoint
        endpoint = new_endpoint_fields(url, secret, connect)
        endpoint.update(id=world.new_id("we"), created=world.now(), enabled_events=list(events))
        return world.add(world.platform, endpoint)

    def opens(self, asked: Asked) -> bool:
        """Is it a request with this account's key?"""
        given = asked.headers.get("authorization", "").partition(" ")[2]
        return hmac.compare_digest(given.encode(), self.world.secret_key.encode())

    def shows(self, asked: Asked) -> bool:
        """Is it for a page of an object that lives here, or for this account's OAuth?"""
        if asked.path == "/oauth/authorize":
            return self.world.config.client_id in parse_qs(asked.query).get("client_id", [])
        found = _PAGE.match(asked.path)
        return found is not None and found[1] in self.world.objects

    def flush(self) -> None:
        if self.file is not None:
            self.file.flush()
