"""Wire to domain: exact values, refused remainders, and every recorded payload."""

import json
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.domain.errors import WireError
from keeper.domain.events import BookLevel, MarketFacts
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Liquidity, Side
from keeper.venues.dydx import mapping, wire

Contents = Callable[[str], bytes]
FILL = wire.Fill(
    id="f",
    side="SELL",
    liquidity="MAKER",
    type="LIMIT",
    price="4009",
    size="0.4",
    fee="-0.176396",
    created_at_height="68",
    order_id="o",
    ticker="ETH-USD",
)


@pytest.mark.parametrize(
    ("text", "exponent", "units"),
    [
        ("3264.3", -6, 3_264_300_000),
        ("-0.5", -1, -5),
        ("1e3", 0, 1000),
        ("0", -18, 0),
        ("20", 1, 2),
    ],
)
def test_scaled__whole_units__exact(text: str, exponent: int, units: int) -> None:
    assert mapping.scaled(text, exponent) == units


@pytest.mark.parametrize(
    "text", ["0.0000001", "NaN", "Infinity", "", "1,0", "0x10", "1e99", "1e-99"]
)
def test_scaled__remainder_or_no_number__wire_error(text: str) -> None:
    with pytest.raises(WireError):
        mapping.scaled(text, -6)


def test_scaled__more_digits_than_any_price__wire_error() -> None:
    with pytest.raises(WireError):
        mapping.scaled("1." + "1" * 100, -6)


@given(units=st.integers(-(2**127), 2**127), exponent=st.integers(-18, 6))
def test_scaled__printed_units__round_trip(units: int, exponent: int) -> None:
    text = format(Decimal(units).scaleb(exponent), "f") if abs(units) < 10**27 else None

    if text is not None:
        assert mapping.scaled(text, exponent) == units


def test_subticks_and_quantums__eth__match_the_venues_units(eth: PerpetualMarket) -> None:
    assert mapping.subticks_of(eth, "3000.1") == 3_000_100_000
    assert mapping.quantums_of(eth, "0.001") == eth.step_base_quantums
    assert mapping.subticks_of(eth, "0.1") == eth.subticks_per_tick


def test_perpetual_market__recorded_markets__all_convert_without_remainder(
    recorded: Callable[[str], bytes],
) -> None:
    payload = recorded("v4_recorded_http/list_perpetual_markets.json")
    markets = wire.decode(payload, wire.Markets).markets

    converted = {t: mapping.perpetual_market(m, -6, 1_000) for t, m in markets.items()}

    assert len(converted) == 125
    eth = converted["ETH-USD"]
    assert (eth.clob_pair_id, eth.atomic_resolution) == (1, -9)
    assert (eth.step_base_quantums, eth.subticks_per_tick) == (1_000_000, 100_000)
    assert (eth.initial_margin_ppm, eth.maintenance_margin_ppm) == (50_000, 30_000)
    for ticker, market in converted.items():
        shown = json.loads(payload)["markets"][ticker]
        assert mapping.quantums_of(market, shown["stepSize"]) == market.step_base_quantums
        assert mapping.subticks_of(market, shown["tickSize"]) == market.subticks_per_tick


@pytest.mark.parametrize(
    "name",
    ["list_perpetual_markets_empty_oracle_price", "list_perpetual_markets_v8"],
)
def test_perpetual_market__other_recordings__convert(
    recorded: Callable[[str], bytes], name: str
) -> None:
    markets = wire.decode(recorded(f"v4_recorded_http/{name}.json"), wire.Markets).markets

    assert all(mapping.perpetual_market(m, -6, 1) for m in markets.values())


def test_market_facts__recorded_markets__size_and_funding_rounded_down(
    recorded: Callable[[str], bytes], eth: PerpetualMarket
) -> None:
    payload = recorded("v4_recorded_http/list_perpetual_markets.json")
    told = wire.decode(payload, wire.Markets).markets["ETH-USD"]

    facts = mapping.market_facts(eth, "dydx", told, None)

    shown = json.loads(payload)["markets"]["ETH-USD"]
    assert facts is not None
    assert 0 <= Decimal(shown["openInterest"]) * 10**9 - facts.open_interest < 1
    assert 0 <= Decimal(shown["volume24H"]) * 10**6 - facts.volume_quote_quantums < 1
    assert 0 <= Decimal(shown["nextFundingRate"]) * 10**9 - facts.funding_ppb_per_hour < 1
    assert facts.open_interest > 0
    assert facts.volume_quote_quantums > 0


def test_market_facts__a_part_told__the_rest_is_as_before(eth: PerpetualMarket) -> None:
    before = MarketFacts(
        market="ETH-USD",
        source="dydx",
        open_interest=7,
        volume_quote_quantums=8,
        funding_ppb_per_hour=9,
    )
    patch = wire.MarketPatch(next_funding_rate="-0.0000000011")

    after = mapping.market_facts(eth, "dydx", patch, before)

    assert after == msgspec.structs.replace(before, funding_ppb_per_hour=-2)
    assert mapping.market_facts(eth, "dydx", patch, None) is None
    assert mapping.market_facts(eth, "dydx", wire.MarketPatch(), before) is None


def test_patched_market__recorded_update__applies_what_changed(
    contents: Contents, eth: PerpetualMarket
) -> None:
    update = wire.decode(contents("v4_markets_channel_data_v8"), wire.MarketsUpdate)
    assert update.trading is not None

    patched = mapping.patched_market(eth, update.trading["TRY-USD"])

    assert (patched.step_base_quantums, patched.subticks_per_tick) == (1_000_000, 1_000_000)
    assert (patched.initial_margin_ppm, patched.maintenance_margin_ppm) == (10_000, 5_000)
    assert patched.status == "ACTIVE"
    assert patched.oracle_exponent == eth.oracle_exponent


def test_patched_market__nothing_of_ours__unchanged(
    contents: Contents, eth: PerpetualMarket
) -> None:
    update = wire.decode(contents("v4_markets_trading_data"), wire.MarketsUpdate)
    assert update.trading is not None

    assert mapping.patched_market(eth, update.trading["CRO-USD"]) == eth


@pytest.mark.parametrize(
    ("name", "ticker", "exponent", "price", "height"),
    [
        ("v4_markets_channel_data", "JASMY-USD", -11, 2_069_413_882, 19_182_358),
        ("v4_markets_oracle_price", "FTM-USD", -10, 3_866_273_177, 19_183_704),
    ],
)
def test_oracle_priced__recorded__exact(
    contents: Contents,
    eth: PerpetualMarket,
    name: str,
    ticker: str,
    exponent: int,
    price: int,
    height: int,
) -> None:
    update = wire.decode(contents(name), wire.MarketsUpdate)
    assert update.oracle_prices is not None
    market = msgspec.structs.replace(eth, ticker=ticker, oracle_exponent=exponent)

    event = mapping.oracle_priced(market, "dydx", update.oracle_prices[ticker])

    assert (event.market, event.source, event.price, event.height) == (
        ticker,
        "dydx",
        price,
        height,
    )


def test_snapshot_levels__recorded_book__every_level_converts(
    contents: Contents, eth: PerpetualMarket
) -> None:
    book = wire.decode(contents("v4_orderbook_snapshot"), wire.BookSnapshot)

    bids, asks = mapping.snapshot_levels(eth, book.bids), mapping.snapshot_levels(eth, book.asks)

    assert (len(bids), len(asks)) == (100, 100)
    assert asks[0] == BookLevel(3_393_500_000, 4_946_000_000)
    assert all(level.subticks % eth.subticks_per_tick == 0 for level in bids + asks)
    assert all(level.quantums % eth.step_base_quantums == 0 for level in bids + asks)


def test_book_levels__recorded_removal__zero_quantums(
    contents: Contents, btc: PerpetualMarket
) -> None:
    change = wire.decode(contents("v4_orderbook"), wire.BookLevels)

    assert mapping.book_levels(btc, change.bids) == (BookLevel(6_592_000_000, 0),)
    assert mapping.book_levels(btc, change.asks) == ()


def test_book_levels__recorded_batch__every_change_converts(
    contents: Contents, eth: PerpetualMarket
) -> None:
    changes = wire.decode(contents("v4_orderbook_batched_data"), list[wire.BookLevels])

    levels = [mapping.book_levels(eth, c.bids) + mapping.book_levels(eth, c.asks) for c in changes]

    assert levels[0] == (BookLevel(2_396_100_000, 3_123_000_000),)
    assert len(levels) == 41


def test_book_levels__size_missing__wire_error(eth: PerpetualMarket) -> None:
    with pytest.raises(WireError, match="no size"):
        mapping.book_levels(eth, [["3000"]])


def test_venue_block__both_spellings__same_shape(contents: Contents) -> None:
    first = wire.decode(contents("v4_block_height_subscribed"), wire.BlockHeight)
    later = wire.decode(contents("v4_block_height_channel_data"), wire.BlockHeight)

    assert mapping.venue_block(first).height == 26_543_048
    block = mapping.venue_block(later)
    assert (block.height, block.time_ns) == (26_543_049, 1_733_165_133_548_000_000)


def test_venue_block__no_height__wire_error() -> None:
    with pytest.raises(WireError, match="no height"):
        mapping.venue_block(wire.BlockHeight(time="2024-01-01T00:00:00.000Z"))


@pytest.mark.parametrize(
    "text", ["yesterday", "2024-01-01T00:00:00", "2024-01-01T00:00:00.000001Z"]
)
def test_iso_ns__no_utc_milliseconds__wire_error(text: str) -> None:
    with pytest.raises(WireError):
        mapping.iso_ns(text)


def order_of(contents: Contents, name: str) -> wire.Order:
    update = wire.decode(contents(name), wire.SubaccountUpdate)
    assert update.orders is not None
    return update.orders[0]


def test_order_updated__recorded_opened__nothing_filled(
    contents: Contents, eth: PerpetualMarket
) -> None:
    event = mapping.order_updated(eth, order_of(contents, "v4_accounts_channel_data_order_opened"))

    assert (event.client_id, event.status) == (1_885_399_800, "BEST_EFFORT_OPENED")
    assert (event.total_filled_quantums, event.good_til_block) == (0, 18_846_077)
    assert event.removal_reason == ""


def test_order_updated__optimistic_fill__does_not_count(
    contents: Contents, eth: PerpetualMarket
) -> None:
    order = order_of(contents, "v4_accounts_channel_data_order_best_effort_canceled")

    event = mapping.order_updated(eth, order)

    assert (event.status, event.total_filled_quantums) == ("BEST_EFFORT_CANCELED", 0)
    assert event.removal_reason == "ORDER_REMOVAL_REASON_REDUCE_ONLY_RESIZE"


def test_order_updated__bare_removal__no_good_til_block(
    contents: Contents, eth: PerpetualMarket
) -> None:
    order = order_of(contents, "v4_accounts_channel_data_order_expired")

    event = mapping.order_updated(eth, order)

    assert (event.client_id, event.good_til_block) == (1_964_904_710, None)
    assert event.removal_reason == "ORDER_REMOVAL_REASON_EXPIRED"


def test_order_updated__committed_fill__counts(contents: Contents, eth: PerpetualMarket) -> None:
    event = mapping.order_updated(eth, order_of(contents, "v4_accounts_fills"))

    assert (event.status, event.total_filled_quantums) == ("FILLED", 2_000_000)


def test_decode__payload_of_2023_without_fee_and_client_id__refused(contents: Contents) -> None:
    with pytest.raises(WireError):
        wire.decode(contents("v4_accounts_channel_data"), wire.SubaccountUpdate)


def test_open_order__recorded_rest_orders__converts(
    recorded: Callable[[str], bytes], eth: PerpetualMarket
) -> None:
    (order,) = wire.decode(recorded("v4_recorded_http/orders.json"), list[wire.Order])

    found = mapping.open_order(eth, order)

    assert (found.side, found.quantums, found.filled_quantums) == (Side.BUY, 3_000_000, 3_000_000)
    assert (found.subticks, found.good_til_block) == (3_335_300_000, 17_933_813)


def test_open_order__bare_removal__wire_error(contents: Contents, eth: PerpetualMarket) -> None:
    with pytest.raises(WireError, match="not complete"):
        mapping.open_order(eth, order_of(contents, "v4_accounts_channel_data_order_expired"))


def test_fill_received__recorded_stream__exact(contents: Contents, eth: PerpetualMarket) -> None:
    update = wire.decode(contents("v4_accounts_fills"), wire.SubaccountUpdate)
    assert update.fills is not None

    first, second = (
        mapping.fill_received({"ETH-USD": eth}, fill, 1_497_046_405) for fill in update.fills
    )

    assert first.fill_id == "aec07db3-d668-5b77-8508-0f50a28bb303"
    assert (first.side, first.liquidity, first.kind) == (Side.BUY, Liquidity.TAKER, "LIMIT")
    assert (first.quantums, first.subticks) == (1_000_000, 2_620_100_000)
    assert (first.quote_quantums, first.fee_quote_quantums) == (2_620_100, 1_311)
    assert (first.height, first.client_id) == (18_794_557, 1_497_046_405)
    assert (second.quote_quantums, second.fee_quote_quantums) == (2_624_700, 1_313)


@pytest.mark.parametrize(("name", "count"), [("fills", 2), ("v4_fills", 1)])
def test_fill_received__recorded_rest__exact(
    recorded: Callable[[str], bytes], eth: PerpetualMarket, name: str, count: int
) -> None:
    fills = wire.decode(recorded(f"v4_recorded_http/{name}.json"), wire.Fills).fills

    events = [mapping.fill_received({"ETH-USD": eth}, fill, None) for fill in fills]

    assert len(events) == count
    for event in events:
        exact = eth.quote_quantums_down(event.quantums, event.subticks)
        assert event.quote_quantums == exact


def test_fill_received__rebate__negative_fee(eth: PerpetualMarket) -> None:
    event = mapping.fill_received({"ETH-USD": eth}, FILL, 7)

    assert event.fee_quote_quantums == -176_396
    assert (event.side, event.liquidity, event.quote_quantums) == (
        Side.SELL,
        Liquidity.MAKER,
        1_603_600_000,
    )


@pytest.mark.parametrize(
    ("told", "time_ns"), [(None, 0), ("2026-11-22T06:00:00.250Z", 1_795_327_200_250_000_000)]
)
def test_fill_received__its_blocks_time__is_kept_when_the_venue_tells_it(
    eth: PerpetualMarket, told: str | None, time_ns: int
) -> None:
    fill = msgspec.structs.replace(FILL, created_at=told)

    assert mapping.fill_received({"ETH-USD": eth}, fill, 7).time_ns == time_ns


def test_fill_received__deleveraged_price__quote_exact_and_subticks_down(
    contents: Contents, eth: PerpetualMarket
) -> None:
    trades = json.loads(contents("trade_deleveraged"))["trades"]
    trade = next(t for t in trades if t["type"] == "DELEVERAGED")
    fill = msgspec.structs.replace(
        FILL, type=trade["type"], price=trade["price"], size=trade["size"], order_id=None
    )

    event = mapping.fill_received({"ETH-USD": eth}, fill, None)

    assert event.quote_quantums == 1_898_343_603
    assert (event.subticks, event.client_id) == (2_340_744_270, None)


def test_fill_received__deleveraged_price_of_no_amount__wire_error(eth: PerpetualMarket) -> None:
    fill = msgspec.structs.replace(FILL, type="OFFSETTING", price="1.0000005", size="1")

    with pytest.raises(WireError, match="no amount"):
        mapping.fill_received({"ETH-USD": eth}, fill, None)


@pytest.mark.parametrize(
    "change",
    [
        {"price": "4009.0000001"},
        {"size": "0.0000000001"},
        {"fee": "0.0000001"},
        {"side": "LONG"},
        {"liquidity": "NONE"},
        {"created_at_height": "6.5"},
        {"ticker": "DOGE-USD"},
        {"ticker": None},
    ],
)
def test_fill_received__unexpected_value__wire_error(
    eth: PerpetualMarket, change: dict[str, str | None]
) -> None:
    with pytest.raises(WireError):
        mapping.fill_received({"ETH-USD": eth}, msgspec.structs.replace(FILL, **change), None)


TRANSFER = wire.Transfer(
    id="t",
    sender=wire.Party(address="dydx1wallet"),
    recipient=wire.Party(address="dydx1us", subaccount_number=0),
    size="10.000001",
    symbol="USDC",
    type="DEPOSIT",
    created_at_height="9",
)


def test_venue_transfer__deposit__positive_from_the_wallet() -> None:
    event = mapping.venue_transfer(TRANSFER, "dydx1us", 0)

    assert (event.quote_quantums, event.counterparty) == (10_000_001, "dydx1wallet")
    assert (event.transfer_id, event.height) == ("t", 9)


@pytest.mark.parametrize("kind", ["WITHDRAWAL", "TRANSFER_OUT"])
def test_venue_transfer__outward__negative_to_the_other(kind: str) -> None:
    transfer = msgspec.structs.replace(
        TRANSFER,
        type=kind,
        sender=TRANSFER.recipient,
        recipient=wire.Party(address="dydx1us", subaccount_number=128),
    )

    event = mapping.venue_transfer(transfer, "dydx1us", 0)

    assert (event.quote_quantums, event.counterparty) == (-10_000_001, "dydx1us/128")


@pytest.mark.parametrize(
    "change", [{"symbol": "DYDX"}, {"type": "VAULT"}, {"size": "0.0000001"}, {"type": "WITHDRAWAL"}]
)
def test_venue_transfer__not_our_collateral__wire_error(change: dict[str, str]) -> None:
    with pytest.raises(WireError):
        mapping.venue_transfer(msgspec.structs.replace(TRANSFER, **change), "dydx1us", 0)


def test_decode__recorded_transfer_notice__names_its_block(contents: Contents) -> None:
    update = wire.decode(contents("v4_accounts_channel_data_transfers"), wire.SubaccountUpdate)

    assert update.transfers is not None
    assert update.transfers.created_at_height == "19079256"


def test_decode__every_recorded_stream_message__is_an_envelope(
    recorded: Callable[[str], bytes],
) -> None:
    names = ["connected", "error", "unsubscribed", "v4_markets_subscribed", "v4_accounts_balance"]

    envelopes = [wire.decode(recorded(f"v4_recorded_ws/{n}.json"), wire.Envelope) for n in names]

    kinds = [envelope.type for envelope in envelopes]
    assert kinds == ["connected", "error", "unsubscribed", "subscribed", "subscribed"]
    assert "could not fetch data" in envelopes[1].message


def test_decode__rewards_message__neither_orders_nor_fills(contents: Contents) -> None:
    update = wire.decode(contents("v4_accounts_rewards"), wire.SubaccountUpdate)

    assert (update.orders, update.fills, update.transfers) == (None, None, None)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"type": 5, "message_id": 1}', b"\xff"])
def test_decode__foreign_bytes__wire_error(payload: bytes) -> None:
    with pytest.raises(WireError, match="Envelope"):
        wire.decode(payload, wire.Envelope)
