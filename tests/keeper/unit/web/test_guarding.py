"""Nobody writes, no other name is served, no other page listens, no stranger off loopback."""

import asyncio
from typing import Any

import pytest

from keeper.web.guarding import LOOPBACK, Door, Guard, is_loopback

TOKEN = "a-token-of-more-than-24-characters"
OPEN = Door(hosts=LOOPBACK)
GUARDED = Door(hosts=LOOPBACK | {"maker.example"}, token=TOKEN)
Headers = dict[str, str]


async def inner(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def asked(
    door: Door,
    *,
    method: str = "GET",
    headers: Headers | None = None,
    query: str = "",
    kind: str = "http",
) -> list[dict[str, Any]]:
    """Send one request through the guard; return what it sent back."""
    scope = {
        "type": kind,
        "method": method,
        "path": "/snapshot",
        "query_string": query.encode(),
        "headers": [
            (name.encode(), value.encode())
            for name, value in {"host": "127.0.0.1:8717", **(headers or {})}.items()
        ],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect" if kind == "websocket" else "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(inner, door)(scope, receive, send))
    return sent


def status(door: Door, **request: Any) -> int:
    found: int = asked(door, **request)[0]["status"]
    return found


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_guard__anything_but_get__is_refused(method: str) -> None:
    assert status(OPEN, method=method) == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8717", "", "[::1"])
def test_guard__another_name__is_not_served(host: str) -> None:
    assert status(OPEN, headers={"host": host}) == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8717", "localhost", "[::1]:8717", "LOCALHOST:1"])
def test_guard__names_of_this_machine__are_served(host: str) -> None:
    assert status(OPEN, headers={"host": host}) == 200


def test_guard__every_answer__carries_the_policy() -> None:
    for request in ({}, {"method": "POST"}, {"headers": {"host": "evil.example"}}):
        headers = dict(asked(OPEN, **request)[0]["headers"])  # type: ignore[arg-type]
        assert headers[b"content-security-policy"].startswith(b"default-src 'self';")
        assert b"access-control-allow-origin" not in headers


def test_guard__a_socket_opened_by_another_page__is_closed() -> None:
    own = {"origin": "http://127.0.0.1:8717"}

    foreign = asked(OPEN, kind="websocket", headers={"origin": "http://evil.example"})

    assert foreign == [{"type": "websocket.close", "code": 1008}]
    assert asked(OPEN, kind="websocket", headers=own) == [{"type": "websocket.accept"}]
    assert asked(OPEN, kind="websocket") == [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, "", 401),
        ({"authorization": "Bearer wrong"}, "", 401),
        ({"authorization": f"Bearer {TOKEN}"}, "", 200),
        ({"cookie": f"athanor_token={TOKEN}"}, "", 200),
        ({"cookie": "athanor_token=wrong"}, "", 401),
        ({}, "token=wrong", 401),
        ({}, f"token={TOKEN}", 303),
    ],
)
def test_guard__with_a_token__lets_in_whoever_has_it(
    headers: Headers, query: str, expected: int
) -> None:
    assert status(GUARDED, headers=headers, query=query) == expected


def test_guard__a_token_in_the_address__moves_into_a_cookie_of_this_site() -> None:
    headers = dict(asked(GUARDED, query=f"token={TOKEN}&a=b")[0]["headers"])

    assert headers[b"location"] == b"/snapshot?a=b"
    assert b"HttpOnly" in headers[b"set-cookie"]
    assert b"SameSite=strict" in headers[b"set-cookie"]


def test_guard__a_socket_without_the_token__is_closed() -> None:
    closed = asked(GUARDED, kind="websocket", query=f"token={TOKEN}")

    assert closed == [{"type": "websocket.close", "code": 1008}]


def test_is_loopback__every_interface__is_not() -> None:
    assert [is_loopback(h) for h in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "")] == [  # noqa: S104
        *(True, True, True),
        *(False, False),
    ]
