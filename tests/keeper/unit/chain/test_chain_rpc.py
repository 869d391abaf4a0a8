"""What a node's failures say, and what they must not: credentials in its URL."""

import asyncio

import httpx
import pytest

from keeper.chain.rpc import JsonRpc, shown_url
from keeper.domain.errors import ChainUnavailable

SECRET_URL = "https://user:pass@node.example:8443/v2/SECRETKEY?token=SECRETTOKEN"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (SECRET_URL, "https://node.example:8443/…"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545"),
        ("https://node.example?key=SECRET", "https://node.example/…"),
        ("https://[::1", "an endpoint that is no URL"),
    ],
)
def test_shown_url__credentials_anywhere__are_left_out(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def words(answer: httpx.Response | Exception) -> str:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    rpc = JsonRpc(SECRET_URL, transport=httpx.MockTransport(handle))
    with pytest.raises(ChainUnavailable) as caught:
        asyncio.run(rpc.check_chain(1))
    return f"{caught.value} {caught.value.next_step}"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, text="no"),
        httpx.Response(200, text="not json"),
        httpx.Response(200, json="neither"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json=[{"id": 1, "result": "0x2"}]),
        httpx.ConnectError(f"cannot reach {SECRET_URL}"),
    ],
    ids=["status", "no-json", "no-list", "unanswered", "chain", "transport"],
)
def test_rpc__any_failure__names_the_host_and_no_credential(
    answer: httpx.Response | Exception,
) -> None:
    said = words(answer)

    assert "node.example:8443" in said
    assert not any(secret in said for secret in ("SECRET", "user", "pass@"))


def test_rpc__http_error__names_the_status() -> None:
    assert "HTTP 429" in words(httpx.Response(429))
