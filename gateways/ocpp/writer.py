"""Writing to a socket without ever waiting: what it does not take at once is kept, bounded, and flushed by a short task.

No lock is needed, since whoever writes only appends. A peer that does not read what it is sent is cut off at the bound.
"""

import socket as stdlib_socket
from collections.abc import Awaitable, Callable

import trio

Spawn = Callable[[Callable[[], Awaitable[None]]], None]


class SocketWriter:
    """The outgoing half of a connection. `_raw` is the socket under a plain `trio.SocketStream`, None under TLS."""

    _stream: trio.abc.Stream
    _raw: stdlib_socket.socket | None
    _spawn: Spawn
    _max_unsent: int
    _out: bytearray | None = None
    _flushed: trio.Event | None = None

    def kill(self, code: int = 1006, reason: str = "") -> None:
        """Drop the connection now."""
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        if self._out is not None:
            self._out += data
            if len(self._out) > self._max_unsent:
                self.kill(1006, "it does not read what it is sent")
            return
        if self._raw is not None:
            try:
                sent = self._raw.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.kill()
                return
            if sent == len(data):
                return
            data = data[sent:]
        self._out = bytearray(data)
        self._spawn(self._flush)

    async def _flush(self) -> None:
        """Writes what a socket would not take at once; exists only while there is something left."""
        try:
            while self._out:
                chunk = bytes(self._out)
                if self._raw is None:
                    await self._stream.send_all(chunk)
                    sent = len(chunk)
                else:
                    await trio.lowlevel.wait_writable(self._raw)
                    try:
                        sent = self._raw.send(chunk)
                    except BlockingIOError:
                        sent = 0
                del self._out[:sent]
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError, ValueError):
            self.kill()
        finally:
            self._out = None
            if self._flushed is not None:
                self._flushed.set()
                self._flushed = None

    async def _drained(self) -> None:
        if self._flushed is None:
            self._flushed = trio.Event()
        await self._flushed.wait()
