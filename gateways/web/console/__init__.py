"""The actor inspection console: server-rendered pages over the same inspector that the API uses.

One signs in with a bearer token; pages then live on a signed cookie (session.py) and move by themselves over SSE (live.py).
"""

from gateways.web.console.setup import add_console as add_console
