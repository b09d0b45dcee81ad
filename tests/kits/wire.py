"""A wire that breaks on command: a loopback proxy in front of PostgreSQL, for what a real network does.

with BreakableWire(dsn) as wire:
    wire.dsn                    connect here
    wire.lose_answers()         what is sent arrives, but its answer is lost and the connection with it
    wire.lose_requests()        the connection breaks before the next request arrives
    wire.cut(), wire.mend()     nothing gets through, and again
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from urllib.parse import parse_qs, urlsplit


class BreakableWire:
    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
        if "host" in query:
            self._server: str | tuple[str, int] = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
        else:
            self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        credentials = parts.netloc.rpartition("@")[0]
        self.dsn = f"postgresql://{credentials}@127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"
        self._mode = "whole"
        self._open: set[socket.socket] = set()
        self.lost = 0
        """How many answers or requests were lost."""

    def __enter__(self) -> "BreakableWire":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._mode = "cut"
        self._listener.close()
        self._drop_all()

    def lose_answers(self) -> None:
        self._mode = "lose answers"

    def lose_requests(self) -> None:
        self._mode = "lose requests"

    def cut(self) -> None:
        self._mode = "cut"
        self._drop_all()

    def mend(self) -> None:
        self._mode = "whole"

    def _drop_all(self) -> None:
        for end in list(self._open):
            self._drop(end)

    def _drop(self, end: socket.socket) -> None:
        self._open.discard(end)
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._mode == "cut":
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET)
            try:
                server.connect(self._server)
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            for source, target, upward in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, target, upward), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, upward: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._mode == ("lose requests" if upward else "lose answers"):
                    self.lost += 1
                    break
                target.sendall(data)
        self._drop(source)
        self._drop(target)
