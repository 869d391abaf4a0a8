"""The indexer's pages as exact numbers; whatever does not fit is an error, never a guess."""

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import httpx
import pytest

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.reporter.indexer import Fill, Funding, Indexer, Transfer

FILL = {
    "id": "a",
    "side": "SELL",
    "market": "ETH-USD",
    "price": "3000.1",
    "size": "0.4",
    "fee": "-0.176396",
    "createdAtHeight": "68",
}


def indexer(answer: Callable[[httpx.Request], httpx.Response]) -> Indexer:
    return Indexer("http://indexer", timeout_seconds=1, transport=httpx.MockTransport(answer))


def serving(key: str, *rows: dict[str, Any]) -> Indexer:
    return indexer(lambda _: httpx.Response(200, json={key: list(rows)}))


def by_height(rows: list[dict[str, Any]]) -> Callable[[httpx.Request], httpx.Response]:
    """An indexer that pages by createdBeforeOrAtHeight, newest first."""

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        top = int(query.get("createdBeforeOrAtHeight", 10**9))
        found = [row for row in rows if int(row["createdAtHeight"]) <= top]
        return httpx.Response(200, json={"fills": found[: int(query["limit"])]})

    return answer


def test_fills__one_row__signed_exact_and_rebate_negative() -> None:
    found = asyncio.run(serving("fills", FILL).fills("dydx1own", 0, 0))

    assert found == [
        Fill("a", "ETH-USD", 68, Fraction(-2, 5), Fraction(1_200_040_000), Fraction(-176_396))
    ]


def test_fills__several_pages__each_row_once_and_none_below() -> None:
    rows = [
        {**FILL, "id": str(number), "createdAtHeight": str(1_000 - number // 3)}
        for number in range(350)
    ]

    found = asyncio.run(indexer(by_height(rows)).fills("dydx1own", 0, 900))

    assert [fill.fill_id for fill in found] == [str(number) for number in range(300)]


def test_fills__more_rows_at_one_height_than_a_page__not_silently_cut() -> None:
    rows = [{**FILL, "id": str(number)} for number in range(150)]

    with pytest.raises(WireError, match="more than 100 rows at height 68"):
        asyncio.run(indexer(by_height(rows)).fills("dydx1own", 0, 0))


def test_fundings__received_by_a_short__positive() -> None:
    row = {"createdAtHeight": "7", "ticker": "ETH-USD", "payment": "0.12", "side": "SHORT"}

    found = asyncio.run(serving("fundingPayments", row).fundings("dydx1own", 0, 0))

    assert found == [Funding("ETH-USD", 7, Fraction(120_000))]


def test_fundings__several_pages__by_page_number() -> None:
    rows = [
        {"createdAtHeight": str(500 - n), "ticker": "ETH-USD", "payment": "1"} for n in range(130)
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("page", 1))
        return httpx.Response(200, json={"fundingPayments": rows[100 * (page - 1) : 100 * page]})

    assert len(asyncio.run(indexer(answer).fundings("dydx1own", 0, 0))) == 130


def test_transfers__wallet_and_subaccount__spelt_apart() -> None:
    row = {
        "id": "t",
        "sender": {"address": "dydx1own"},
        "recipient": {"address": "dydx1own", "subaccountNumber": 0},
        "size": "0.000001",
        "createdAtHeight": "5",
    }

    found = asyncio.run(serving("transfers", row).transfers("dydx1own", 0, 0))

    assert found == [Transfer("t", 5, "dydx1own", "dydx1own/0", Fraction(1))]


def test_fills__subaccount_unknown_to_the_venue__none() -> None:
    unknown = indexer(lambda _: httpx.Response(404, json={"errors": []}))

    assert asyncio.run(unknown.fills("dydx1own", 1, 0)) == []


@pytest.mark.parametrize(
    "row",
    [
        {**FILL, "size": "much"},
        {**FILL, "size": None},
        {**FILL, "createdAtHeight": None},
        {k: v for k, v in FILL.items() if k != "price"},
    ],
)
def test_fills__row_of_another_shape__wire_error(row: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        asyncio.run(serving("fills", row).fills("dydx1own", 0, 0))


def test_fills__no_list__wire_error() -> None:
    with pytest.raises(WireError, match="without fills"):
        asyncio.run(serving("other").fills("dydx1own", 0, 0))


def test_fills__too_many_requests__unavailable_with_the_status() -> None:
    limited = indexer(lambda _: httpx.Response(429))

    with pytest.raises(VenueUnavailable, match="429"):
        asyncio.run(limited.fills("dydx1own", 0, 0))
