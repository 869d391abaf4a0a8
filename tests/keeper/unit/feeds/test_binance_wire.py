"""Binance's payloads: exact integers, kinds told apart, everything else refused."""

import json
from typing import Any

import pytest

from keeper.domain.errors import WireError
from keeper.feeds.binance.wire import (
    BinanceMarket,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    Other,
    Trade,
    decode,
    e8,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("28165.47000000", 2_816_547_000_000),
        ("0.00000001", 1),
        ("1000", 100_000_000_000),
        ("0.000", 0),
        ("3424.98", 342_498_000_000),
        ("1.2300000000", 123_000_000),
        (".5", 50_000_000),
        ("123456789012345678.12345678", 12_345_678_901_234_567_812_345_678),
    ],
)
def test_e8__decimal__exact(text: str, value: int) -> None:
    assert e8(text) == value


@pytest.mark.parametrize(
    "text", ["", ".", "-1", "+1", "1e5", "1_000", " 1", "1.000000001", "NaN", "1.2.3", "\u0661"]
)
def test_e8__not_an_unsigned_decimal_of_eight_places__refused(text: str) -> None:
    with pytest.raises(WireError):
        e8(text)


def told(stream: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()


UPDATE = {"e": "depthUpdate", "E": 2, "s": "ETHUSDT", "U": 1, "u": 3, "b": [["1", "2"]], "a": []}
TICKER = {"u": 7, "s": "ETHUSDT", "b": "1", "B": "2", "a": "3", "A": "4"}
TRADE = {"e": "trade", "E": 2, "T": 1, "s": "ETHUSDT", "t": 9, "p": "1", "q": "2", "m": True}


def test_decode__kinds__told_apart_by_the_stream() -> None:
    kinds = [
        decode(told("ethusdt@depth@100ms", UPDATE)),
        decode(told("ethusdt@depth", UPDATE)),
        decode(told("ethusdt@bookTicker", TICKER)),
        decode(told("ethusdt@trade", TRADE)),
        decode(told("ethusdt@markPrice@1s", {"e": "markPriceUpdate", "s": "ETHUSDT", "p": "1"})),
        decode(b'{"lastUpdateId":5,"bids":[["1","2"]],"asks":[]}'),
    ]

    assert [type(kind) for kind in kinds] == [
        DepthUpdate,
        DepthUpdate,
        BookTicker,
        Trade,
        Other,
        DepthSnapshot,
    ]


def test_decode__update__market_by_its_sequence() -> None:
    spot = decode(told("ethusdt@depth", UPDATE))
    futures = decode(told("ethusdt@depth", {**UPDATE, "pu": 0, "T": 2}))

    assert isinstance(spot, DepthUpdate)
    assert isinstance(futures, DepthUpdate)
    assert (spot.market, futures.market) == (BinanceMarket.SPOT, BinanceMarket.USDM)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"stream":"ethusdt@depth"}',
        b'{"result":null,"id":1}',
        told("ethusdt@depth", {**UPDATE, "b": [["1"]]}),
        told("ethusdt@depth", {**UPDATE, "b": [[1, 2]]}),
        told("ethusdt@trade", {**TRADE, "m": "yes"}),
        told("ethusdt@bookTicker", {"u": "7"}),
    ],
)
def test_decode__anything_else__wire_error(text: bytes) -> None:
    with pytest.raises(WireError):
        decode(text)
