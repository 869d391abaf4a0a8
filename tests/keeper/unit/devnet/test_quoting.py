"""Quoting distances from a recording's own measures, and where the tape is started."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from keeper.config.sections.markets import Market
from keeper.devnet.markets import BTC_USD, ETH_USD, MarketRoute
from keeper.devnet.story.quoting import (
    from_the_liveliest,
    half_spread_ppm,
    inline,
    limits,
    markets,
    parameters,
)
from keeper.devnet.tape import Tape, TapeMarket
from keeper.domain.units import NS_PER_SECOND
from keeper.feeds.binance.wire import BinanceMarket
from keeper.recordings import Recording

START_NS = 1_721_347_200 * NS_PER_SECOND


def market(route: MarketRoute, changes_ppm: dict[int, int] | None = None) -> TapeMarket:
    """A market whose mid changes by so much in the given seconds."""
    end_ns = START_NS + 300 * NS_PER_SECOND
    recording = Recording(
        symbol=route.market.replace("-", "") + "T",
        market=BinanceMarket.USDM,
        files=(Path("usdm.gz"),),
        start_ns=START_NS,
        end_ns=end_ns,
        clock_offset_ns=1_500_000_000,
        books=1,
        trades=1,
        trades_passed_over=0,
    )
    times, mids = [START_NS], [3_000 * 10**8]
    for second, change in sorted((changes_ppm or {}).items()):
        times.append(START_NS + (second + 1) * NS_PER_SECOND)
        mids.append(mids[-1] + mids[-1] * change // 10**6)
    return TapeMarket(route, recording, tuple(times), tuple(mids), 7, 14, 56)


def tape(*found: TapeMarket) -> Tape:
    return Tape(Path("tape.jsonl"), START_NS, START_NS + 300 * NS_PER_SECOND, START_NS, found)


def test_half_spread_ppm__of_a_recording__covers_fee_spread_and_a_share_of_moves() -> None:
    assert half_spread_ppm(market(ETH_USD)) == 100 + 14 + 14
    assert half_spread_ppm(replace(market(ETH_USD), half_spread_ppm=3, move_ppm=0)) == 104


def test_markets__without_a_tape__is_ether_alone_by_the_venues_rule() -> None:
    (ether,) = markets(None)
    assert (ether["ticker"], ether["strategy"]["kind"]) == ("ETH-USD", "megavault")
    assert limits(None) == {"daily_loss_quote_quantums": 17_000_000_000}


def test_markets__with_both_recorded__quotes_both_around_their_own_distance() -> None:
    ether, bitcoin = markets(tape(market(BTC_USD), market(ETH_USD)))
    assert (ether["ticker"], bitcoin["ticker"]) == ("ETH-USD", "BTC-USD")
    assert ether["strategy"]["half_spread_ppm"] == 128
    assert bitcoin["strategy"]["layer_step_ppm"] == 56


def test_markets__with_only_bitcoin_recorded__keeps_ether_for_the_pool() -> None:
    ether, bitcoin = markets(tape(market(BTC_USD)))
    assert (ether["ticker"], ether["strategy"]["kind"]) == ("ETH-USD", "megavault")
    assert (bitcoin["ticker"], bitcoin["strategy"]["kind"]) == ("BTC-USD", "fixed_spread")


@pytest.mark.parametrize("found", [(), (market(ETH_USD),), (market(BTC_USD),)])
def test_inline__markets__are_read_back_as_the_configuration(
    found: tuple[TapeMarket, ...],
) -> None:
    wanted = markets(tape(*found) if found else None)
    read = tomllib.loads(f"markets = {inline(wanted)}")["markets"]
    assert read == wanted
    assert [Market.model_validate(entry).ticker for entry in read] == [e["ticker"] for e in wanted]


def test_parameters__of_a_recorded_market__say_where_its_distance_is_from() -> None:
    rows = parameters(tape(market(ETH_USD)))
    (distance,) = [row for row in rows if row.name == "half_spread_ppm"]
    assert (distance.scope, distance.value) == ("ETH-USD", "128")
    assert parameters(None) == ()
    assert "maker fee 100 + half the recorded spread 14 (tick 0.1 USD)" in distance.meaning


def test_from_the_liveliest__two_moves_each_way__starts_shortly_before_them() -> None:
    calm = {10: 300, 20: -300}
    lively = {100: 300, 104: -300, 110: 300, 115: -300}
    both = tape(market(ETH_USD, calm | lively), market(BTC_USD, calm | lively))
    assert from_the_liveliest(both, 60).from_ns == START_NS + 95 * NS_PER_SECOND


def test_from_the_liveliest__a_market_that_moves_one_way__starts_at_the_start() -> None:
    one_way = tape(market(ETH_USD, {100: 300, 110: 300}))
    assert from_the_liveliest(one_way, 60).from_ns == START_NS


def test_from_the_liveliest__moves_at_the_very_end__leaves_time_to_trade() -> None:
    late = tape(market(ETH_USD, {280: 300, 281: -300, 282: 300, 283: -300}))
    assert from_the_liveliest(late, 60).seconds >= 60


def test_from_the_liveliest__a_longer_play__starts_earlier() -> None:
    lively = {100: 300, 104: -300, 110: 300, 115: -300}
    moving = tape(market(ETH_USD, lively))
    assert from_the_liveliest(moving, 240).seconds >= 240
    assert from_the_liveliest(moving, 1_000).from_ns == START_NS
