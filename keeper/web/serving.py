"""Runs the web application on a socket that is bound before anything is promised."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import uvicorn

from keeper.domain.errors import AthanorError
from keeper.web.app import build_app
from keeper.web.guarding import Door
from keeper.web.watching import Watched

__all__ = ["AddressTaken", "Server", "open_server"]

_BACKLOG: Final = 64
_FAREWELL_SECONDS: Final = 2


class AddressTaken(AthanorError):
    """Raised when the address cannot be listened on; handled by the command line."""


@dataclass(frozen=True, slots=True)
class Server:
    """A bound server and where it is reached."""

    url: str
    _server: uvicorn.Server
    _socket: socket.socket

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        self._server.run(sockets=[self._socket])


class _Quiet(uvicorn.Server):
    """Ends on a signal as a command that was told to end, not as one that was killed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave on SIGINT and SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._leave)
        yield

    def _leave(self) -> None:
        self.should_exit = True


def open_server(keepers: Sequence[Watched], door: Door, host: str, port: int) -> Server:
    """Bind and build the server. Raises AddressTaken."""
    bound = _bound(host, port)
    config = uvicorn.Config(
        build_app(keepers, door),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=1_024,
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
    )
    name = f"[{host}]" if ":" in host else host
    url = f"http://{name}:{bound.getsockname()[1]}/"
    return Server(url, _Quiet(config), bound)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        raise AddressTaken(
            f"{host}:{port} cannot be listened on: {error.strerror}",
            next_step="choose another --port, or 0 for a free one",
        ) from error
    opened.listen(_BACKLOG)
    return opened
