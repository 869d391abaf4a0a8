"""The REST transport: paging back exactly, and no foreign exception gets out."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.venues.dydx.indexer import Indexer

Answer = Callable[[httpx.Request], httpx.Response]


def asked_of(answer: Answer, call: Callable[[Indexer], Any]) -> Any:
    """Run one call against an indexer that answers so."""

    async def main() -> Any:
        indexer = Indexer("http://indexer/", address="dydx1us", subaccount=3, deadline_ms=100)
        indexer._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        try:
            return await call(indexer)
        finally:
            await indexer.close()

    return asyncio.run(main())


def fill(number: int, height: int) -> dict[str, Any]:
    return {
        "id": f"fill-{number}",
        "side": "BUY",
        "liquidity": "MAKER",
        "type": "LIMIT",
        "price": "3000",
        "size": "0.1",
        "fee": "0.03",
        "createdAtHeight": str(height),
        "market": "ETH-USD",
    }


def history(rows: list[dict[str, Any]], name: str, requests: list[httpx.Request]) -> Answer:
    """Answer newest first, as the indexer does."""
    newest_first = sorted(rows, key=lambda row: -int(row["createdAtHeight"]))

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        before = int(request.url.params.get("createdBeforeOrAtHeight", 10**9))
        limit = int(request.url.params["limit"])
        page = [row for row in newest_first if int(row["createdAtHeight"]) <= before][:limit]
        return httpx.Response(200, json={name: page})

    return answer


def test_fills_above__one_page__oldest_first_above_the_height() -> None:
    requests: list[httpx.Request] = []
    rows = [fill(n, 10 + n) for n in range(5)]

    found = asked_of(history(rows, "fills", requests), lambda i: i.fills_above(11))

    assert [row.id for row in found] == ["fill-2", "fill-3", "fill-4"]
    (request,) = requests
    assert request.url.path == "/v4/fills"
    assert request.url.params["address"] == "dydx1us"
    assert request.url.params["subaccountNumber"] == "3"


def test_fills_above__several_pages__each_once() -> None:
    requests: list[httpx.Request] = []
    rows = [fill(n, 1_000 + n // 3) for n in range(250)]

    found = asked_of(history(rows, "fills", requests), lambda i: i.fills_above(999))

    assert len(found) == 250
    assert {row.id for row in found} == {f"fill-{n}" for n in range(250)}
    heights = [int(row.created_at_height) for row in found]
    assert heights == sorted(heights)
    assert len(requests) >= 3


def test_fills_above__block_larger_than_a_page__page_widens() -> None:
    requests: list[httpx.Request] = []
    rows = [fill(n, 50) for n in range(400)] + [fill(400, 49)]

    found = asked_of(history(rows, "fills", requests), lambda i: i.fills_above(0))

    assert len(found) == 401
    assert [request.url.params["limit"] for request in requests] == ["100", "100", "1000"]


def test_fills_above__block_larger_than_any_page__venue_unavailable() -> None:
    rows = [fill(n, 50) for n in range(1_001)]

    with pytest.raises(VenueUnavailable, match="block 50"):
        asked_of(history(rows, "fills", []), lambda i: i.fills_above(0))


def test_transfers_above__recorded_shape__parsed() -> None:
    row = {
        "id": "6a6075bc",
        "sender": {"address": "dydx14zz", "subaccountNumber": 0},
        "recipient": {"address": "dydx1us"},
        "size": "0.000001",
        "createdAt": "2025-07-29T09:43:02.105Z",
        "createdAtHeight": "45116125",
        "symbol": "USDC",
        "type": "WITHDRAWAL",
        "transactionHash": "92B4",
    }

    (found,) = asked_of(history([row], "transfers", []), lambda i: i.transfers_above(45116124))

    assert (found.id, found.type, found.recipient.subaccount_number) == (
        "6a6075bc",
        "WITHDRAWAL",
        None,
    )


def test_open_orders__bare_array__parsed(recorded: Callable[[str], bytes]) -> None:
    payload = recorded("v4_recorded_http/orders.json")

    (order,) = asked_of(lambda _: httpx.Response(200, content=payload), lambda i: i.open_orders())

    assert (order.client_id, order.order_flags) == ("2043599281", "0")


def test_order__not_found__none() -> None:
    missing = httpx.Response(404, json={"errors": [{"msg": "Unable to find order"}]})

    assert asked_of(lambda _: missing, lambda i: i.order("x")) is None


def test_height__answered__integer() -> None:
    reply = httpx.Response(200, json={"height": "44865196", "time": "2025-07-25T11:00:00.013Z"})

    assert asked_of(lambda _: reply, lambda i: i.height()) == 44_865_196


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 502, 503])
def test_get__any_status_but_ok__venue_unavailable(status: int) -> None:
    with pytest.raises(VenueUnavailable):
        asked_of(lambda _: httpx.Response(status, text="no"), lambda i: i.height())


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.PoolTimeout("full"),
        httpx.RemoteProtocolError("garbage"),
        httpx.ReadError("reset"),
        httpx.TooManyRedirects("round"),
        httpx.DecodingError("gzip"),
        httpx.StreamClosed(),
        httpx.InvalidURL("odd"),
    ],
)
def test_get__any_transport_error__venue_unavailable(error: Exception) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(VenueUnavailable) as caught:
        asked_of(answer, lambda i: i.height())

    assert type(error).__name__ in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"height": 5, "time": ""}', json.dumps({}).encode()]
)
def test_get__other_shape__wire_error(body: bytes) -> None:
    with pytest.raises(WireError):
        asked_of(lambda _: httpx.Response(200, content=body), lambda i: i.height())


def test_get__nobody_listens__venue_unavailable() -> None:
    async def main() -> None:
        indexer = Indexer("http://127.0.0.1:1", address="a", subaccount=0, deadline_ms=500)
        try:
            await indexer.height()
        finally:
            await indexer.close()

    with pytest.raises(VenueUnavailable):
        asyncio.run(main())
