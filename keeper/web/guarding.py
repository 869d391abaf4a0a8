"""Who may ask the server what: GET alone, hosts by name, a token off loopback, nothing remote."""

import hmac
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOOPBACK", "Door", "Guard", "is_loopback"]

COOKIE: Final = "athanor_token"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS: Final = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_POLICY_VIOLATION: Final = 1008


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reachable from this machine alone."""
    return host in LOOPBACK


@dataclass(frozen=True, slots=True)
class Door:
    """Names the server answers to, and the token it asks for; empty: none is needed."""

    hosts: frozenset[str]
    token: str = ""


class Guard:
    """Stands before the application; every answer carries the security headers."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if scope["type"] == "websocket":
            if refusal is not None:
                await receive()  # the handshake; a close before accepting it is answered with 403
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
                return
            await self._app(scope, receive, send)
            return
        target: ASGIApp = self._app if refusal is None else refusal
        await target(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["type"] == "http" and scope["method"] != "GET":
            return PlainTextResponse(
                "this server only shows; GET alone is answered\n", 405, headers={"allow": "GET"}
            )
        if _name_of(headers.get("host", "")) not in self._door.hosts:
            return PlainTextResponse("this name is not served here\n", 421)
        if scope["type"] == "websocket" and not _is_same_origin(headers):
            return PlainTextResponse("other pages may not listen\n", 403)
        if self._door.token and not self._is_known(headers):
            return self._admission(scope)
        return None

    def _is_known(self, headers: Headers) -> bool:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        return self._matches(given) or self._matches(_cookie(headers))

    def _admission(self, scope: Scope) -> Response:
        """Take a token from the address once, keep it in a cookie, and take it off the address."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        token = query.pop("token", [""])[0]
        if scope["type"] != "http" or not self._matches(token):
            return PlainTextResponse(
                "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN once\n",
                401,
                headers={"www-authenticate": "Bearer"},
            )
        rest = f"?{urlencode(query, doseq=True)}" if query else ""
        answer = RedirectResponse(scope["path"] + rest, 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return answer

    def _matches(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._door.token.encode())


def _name_of(host: str) -> str:
    """The host's name without its port; empty when it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same_origin(headers: Headers) -> bool:
    """A browser says where a socket was opened from; other programs say nothing."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending
