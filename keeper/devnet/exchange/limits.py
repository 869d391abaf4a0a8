"""Owns the indexer's request limit: so many requests of an address in ten seconds, else 429."""

from collections import deque
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["RequestLimit"]

WINDOW_SECONDS = 10


class RequestLimit:
    """Refuses a client's requests beyond `limit` in any ten seconds of `now`."""

    def __init__(self, app: ASGIApp, limit: int, now: Callable[[], float]) -> None:
        self._app = app
        self._limit = limit
        self._now = now
        self._times: dict[str, deque[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        if scope["type"] == "http" and not self._admit((scope["client"] or ("",))[0]):
            body = {"errors": [{"msg": "Too many requests"}]}
            await JSONResponse(body, status_code=429)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admit(self, client: str) -> bool:
        now = self._now()
        times = self._times.setdefault(client, deque())
        while times and times[0] <= now - WINDOW_SECONDS:
            times.popleft()
        if len(times) >= self._limit:
            return False
        times.append(now)
        return True
