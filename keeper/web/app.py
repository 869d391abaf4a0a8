"""The web application: a page, a snapshot, a stream of snapshots, health; nothing that acts."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from keeper import __version__
from keeper.pages.report import static_text
from keeper.web.guarding import Door, Guard
from keeper.web.openapi import API_VERSION, openapi
from keeper.web.pages import LivePages
from keeper.web.watching import POLL_SECONDS, Watched, Watcher

__all__ = ["MOST_LISTENERS", "build_app"]

MOST_LISTENERS: Final = 32
_STATIC: Final = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "live.js": "text/javascript",
}
_TRY_AGAIN_LATER: Final = 1013


def build_app(keepers: Sequence[Watched], door: Door) -> ASGIApp:
    """Return the guarded application; it watches the keepers while it runs."""
    shown = _Shown([Watcher(keeper) for keeper in keepers])
    routes = [
        Route("/", shown.page),
        Route("/snapshot", shown.snapshot),
        Route("/health", shown.health),
        Route("/openapi.json", _openapi),
        Route("/static/{name}", _static),
        WebSocketRoute("/ws", shown.listen),
    ]
    return Guard(Starlette(routes=routes, lifespan=shown.lifespan), door)


class _Shown:
    """What the routes answer with."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers
        self._pages = LivePages()
        self._listeners = 0

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Watch every keeper while the server runs."""
        tasks = [asyncio.create_task(watcher.run()) for watcher in self._watchers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def page(self, _request: Request) -> Response:
        """The page, filled with what is known now."""
        return HTMLResponse(self._pages.shell(self._watchers))

    async def snapshot(self, _request: Request) -> Response:
        """Every keeper now, as JSON."""
        return Response(self._snapshot(), media_type="application/json")

    async def health(self, _request: Request) -> Response:
        """Whether this server serves; the keepers have their own health."""
        counts = Counter(watcher.view().freshness for watcher in self._watchers)
        keepers = {name: counts[name] for name in ("live", "stale", "offline")}
        return JSONResponse({"ok": True, "version": __version__, "keepers": keepers})

    async def listen(self, socket: WebSocket) -> None:
        """Send a snapshot a second, or the page's fragments when asked `?as=page`."""
        if self._listeners >= MOST_LISTENERS:
            await socket.close(_TRY_AGAIN_LATER)
            return
        await socket.accept()
        as_page = socket.query_params.get("as") == "page"
        self._listeners += 1
        telling = asyncio.create_task(self._tell(socket, as_page=as_page))
        try:
            with contextlib.suppress(WebSocketDisconnect):
                while True:  # nothing is expected; this is how a listener's leaving is noticed
                    await socket.receive_text()
        finally:
            self._listeners -= 1
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, socket: WebSocket, *, as_page: bool) -> None:
        while True:
            text = self._fragments() if as_page else self._snapshot().decode()
            await socket.send_text(text)
            await asyncio.sleep(POLL_SECONDS)

    def _snapshot(self) -> bytes:
        views = [watcher.view() for watcher in self._watchers]
        body: dict[str, Any] = {"api": API_VERSION, "version": __version__, "keepers": views}
        return msgspec.json.encode(body)

    def _fragments(self) -> str:
        parts = [self._pages.fragment(watcher.view(), watcher.traces) for watcher in self._watchers]
        return msgspec.json.encode(parts).decode()


async def _openapi(_request: Request) -> Response:
    return JSONResponse(openapi())


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        return PlainTextResponse("there is no such file\n", 404)
    return Response(static_text(name), media_type=_STATIC[name])
