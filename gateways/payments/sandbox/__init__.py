"""The sandbox: a stateful Stripe test server of our own, for tests, for chaos and for `csms demo`.

It knows nothing of our client code and is built against Stripe's words only: parameters are checked by the stripe package's own
types, objects have its fields, webhooks its signature. README.md beside lists the test cards and the control API.

Usage: `async with open_sandbox() as sandbox: ...` in a process, or `python -m gateways.payments.sandbox --port 0`.
"""

from gateways.payments.sandbox.cards import BY_NAME, CARDS, Card
from gateways.payments.sandbox.config import Config, Hook
from gateways.payments.sandbox.drive import Driver, Outcome
from gateways.payments.sandbox.faults import HookRule, Rule
from gateways.payments.sandbox.sandbox import Sandbox, open_sandbox

__all__ = ["BY_NAME", "CARDS", "Card", "Config", "Driver", "Hook", "HookRule", "Outcome", "Rule", "Sandbox", "open_sandbox"]
