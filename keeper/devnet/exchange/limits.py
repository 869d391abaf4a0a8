"""Owns the refusals of the indexer: beyond a limit of requests, and where a fault strikes."""

from collections import deque
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .faults import Faults

__all__ = ["FaultyAnswers", "RequestLimit"]

WINDOW_SECONDS = 10


def _refusal(status: int, text: str) -> JSONResponse:
    return JSONResponse({"errors": [{"msg": text}]}, status_code=status)


class FaultyAnswers:
    """Answers 429 or 503 in place of the application while a fault strikes."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless a fault strikes."""
        if scope["type"] == "http" and self._faults.strikes("rest-busy"):
            await _refusal(429, "Too many requests")(scope, receive, send)
        elif scope["type"] == "http" and self._faults.strikes("rest-unavailable"):
            await _refusal(503, "Service unavailable")(scope, receive, send)
        else:
            await self._app(scope, receive, send)


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
            await _refusal(429, "Too many requests")(scope, receive, send)
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
