"""The leader in the reference price: followed, corrected, widened on, pulled on, and restarted."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.core.reference import reference_of
from keeper.core.state import state_bytes, state_from_bytes
from keeper.domain.commands import CancelOrders, Command, NoteRefusal, PlaceOrder
from keeper.domain.events import (
    BookLevel,
    Event,
    LeaderQuoted,
    SourceDown,
    SourceGap,
    SourceUp,
    TimerFired,
)
from keeper.domain.orders import Side
from tests.keeper.builders import (
    ETH_PRICE,
    FIXED,
    LEADER,
    MS,
    ONE_ETH,
    SECOND,
    Keeper,
    book,
    leader,
    market_settings,
    of,
    oracle,
    run_started,
    settings,
    sides,
)

WIDE = {"on_missing": "widen", "missing_widen_ppm": 2_000}


def keeper_with(**changes: Any) -> Keeper:
    market = market_settings(strategy=FIXED, leader=replace(LEADER, **changes))
    return Keeper(settings(markets=(market,)))


def quoting(**changes: Any) -> Keeper:
    """A keeper that quotes around oracle and leader, which agree."""
    keeper = keeper_with(**changes)
    scale = changes.get("base_units", 1)
    keeper.feed(leader(1, 299_999_000_000 * scale, 300_001_000_000 * scale))
    keeper.start()
    assert keeper.places()
    return keeper


def quoted(seq: int, price: int) -> LeaderQuoted:
    """The leader at a whole price in USDC, one tick of 0.01 wide."""
    return leader(seq, price * 10**8 - 500_000, price * 10**8 + 500_000)


def fronts(keeper: Keeper) -> tuple[int, int]:
    """Front bid and ask of a keeper that has sent its orders since the last answer."""
    found = sides(keeper.places())
    return found[Side.BUY][0].subticks, found[Side.SELL][0].subticks


def notes(commands: list[Any]) -> list[tuple[str, int, int]]:
    return [(note.code, note.limit, note.value) for note in of(commands, NoteRefusal)]


def test_step__leader_configured_and_not_seen__pulls_with_age_unknown() -> None:
    keeper = keeper_with()

    out = keeper.start()

    assert of(out, PlaceOrder) == []
    assert ("STALE_LEADER", 3_000, -1) in notes(out)


def test_step__no_leader_configured__quote_of_one_changes_nothing() -> None:
    keeper = Keeper()
    keeper.start()
    keeper.answer()

    assert keeper.feed(quoted(1, 3_100)) == []


def test_step__leader_moves__quotes_follow_by_its_weight() -> None:
    keeper = quoting(band_ppm=3_000)
    bid, ask = fronts(keeper)
    keeper.answer()

    keeper.now += SECOND
    keeper.height += 1
    keeper.feed(quoted(2, 3_005))
    keeper.block(0)

    # 60 % of 5 USDC: 3 USDC up, at 1e-6 a subtick.
    assert 2_900_000 <= fronts(keeper)[0] - bid <= 3_100_000
    assert 2_900_000 <= fronts(keeper)[1] - ask <= 3_100_000


def test_step__leader_moves__values_stay_on_the_oracle() -> None:
    keeper = quoting(band_ppm=3_000)
    before = {order.quantums for order in keeper.places()}
    keeper.answer()

    keeper.now += SECOND
    keeper.height += 1
    keeper.feed(quoted(2, 3_005))
    keeper.block(0)

    assert {order.quantums for order in keeper.places()} == before


def test_step__leader_at_weight_zero__decides_nothing() -> None:
    keeper, plain = keeper_with(weight_ppm=0), keeper_with(weight_ppm=0)
    plain.start()
    keeper.start()
    keeper.feed(quoted(1, 3_100))
    keeper.block()
    plain.block()

    assert fronts(keeper) == fronts(plain)


def test_step__constant_basis__does_not_skew() -> None:
    """A leader priced in another dollar stands 0.1 % above the oracle all the time."""
    keeper = keeper_with()
    keeper.start()
    keeper.feed(quoted(1, 3_003))
    keeper.block()

    around, noted = reference_of(keeper.state, "ETH-USD", keeper.state.markets["ETH-USD"])

    assert noted == []
    assert around is not None
    assert around.price is not None
    assert abs(around.price - ETH_PRICE) <= 1
    assert keeper.state.markets["ETH-USD"].leader.basis_ppb == 1_000_000


def test_step__basis_drifts__learnt_by_the_time_that_passed() -> None:
    keeper = quoting(max_age_ms=1_000_000)
    start = keeper.state.markets["ETH-USD"].leader.basis_ppb

    keeper.feed(quoted(2, 3_003))
    keeper.block(300)

    # After one time constant of 300 s an average has gone half of the way to +0.1 %.
    assert start == 0
    assert keeper.state.markets["ETH-USD"].leader.basis_ppb == 500_000


def test_step__basis_too_large__pulls_with_both_numbers() -> None:
    keeper = keeper_with()
    keeper.start()

    out = keeper.feed(quoted(1, 3_030))

    assert ("LEADER_BASIS", 5_000, 10_000) in notes(out)
    assert of(out + keeper.block(), PlaceOrder) == []


def test_step__leader_stale__orders_are_pulled_with_its_age() -> None:
    keeper = quoting()
    keeper.answer()

    keeper.block(3)
    keeper.now += 1 * MS
    out = keeper.feed(TimerFired(name="second"))

    assert of(out, CancelOrders)
    assert notes(out) == [("STALE_LEADER", 3_000, 3_001)]


def test_step__leader_fresh_again__quotes_again() -> None:
    keeper = quoting()
    keeper.answer()
    keeper.block(4)
    keeper.answer()

    out: list[Command] = []
    for seq in range(2, 14):
        keeper.feed(leader(seq))
        out += keeper.block()

    assert of(out, PlaceOrder)


def test_step__leader_missing_where_it_widens__quotes_stand_farther_out() -> None:
    keeper = quoting(**WIDE)
    bid, ask = fronts(keeper)
    keeper.answer()

    out = keeper.block(4)

    assert notes(out) == [("STALE_LEADER", 3_000, 4_000)]
    wide_bid, wide_ask = fronts(keeper)
    assert bid - wide_bid == 6_000_000 - 6_000_000 % 100_000
    assert wide_ask - ask >= 6_000_000


@pytest.mark.parametrize(
    "lost",
    [
        SourceDown(source="leader:test", detail="gone"),
        SourceGap(source="leader:test", expected=5, received=9),
    ],
)
def test_step__leader_source_lost__pulled_at_once_and_venue_not_blamed(lost: Event) -> None:
    keeper = quoting()
    keeper.feed(SourceUp(source="leader:test"))
    keeper.answer()

    out = keeper.feed(lost)

    assert of(out, CancelOrders)
    assert notes(out) == [("STALE_LEADER", 3_000, -1)]


def test_step__other_leader_source_lost__nothing_happens() -> None:
    keeper = quoting()
    keeper.answer()

    assert keeper.feed(SourceDown(source="leader:other", detail="gone")) == []


def test_step__sources_disagree_beyond_band__widened_by_the_excess() -> None:
    keeper = quoting(basis_seconds=10**9)
    keeper.answer()

    keeper.now += SECOND
    keeper.height += 1
    out = keeper.feed(quoted(2, 3_009))

    # Reference 3005.4: the oracle is 1796.76... -> 1797 ppm away, 797 beyond the band.
    assert notes(out) == [("REFERENCE_WIDE", 1_000, 1_797)]
    around, _ = reference_of(keeper.state, "ETH-USD", keeper.state.markets["ETH-USD"])
    assert around is not None
    assert (around.price, around.confidence_ppm, around.widen_ppm) == (3_005_400_000, 1_797, 797)
    keeper.block(0)
    # 3005.4 * 0.998 * 0.999203 and 3005.4 * 1.002 * 1.000797, each factor outwards to a tick of 0.1
    assert fronts(keeper) == (2_996_900_000, 3_014_000_000)


def test_step__sources_disagree_beyond_wider_band__pulled_with_both_numbers() -> None:
    keeper = quoting()
    keeper.answer()

    out = keeper.feed(quoted(2, 3_030))

    # Reference 3018: the oracle is 18 / 3018 = 5964.2 ppm away.
    assert of(out, CancelOrders)
    assert notes(out) == [("REFERENCE_APART", 5_000, 5_965)]


@pytest.mark.parametrize(("bid", "ask"), [(300_001, 300_000), (0, 300_000), (300_000, 300_000)])
def test_step__leader_crossed_or_empty__unknown(bid: int, ask: int) -> None:
    keeper = quoting()
    keeper.answer()

    out = keeper.feed(leader(2, bid * 10**6, ask * 10**6))

    assert notes(out) == [("STALE_LEADER", 3_000, -1)]


def test_step__same_quote_delivered_twice__second_changes_nothing() -> None:
    keeper = quoting()
    keeper.answer()
    before = state_bytes(keeper.state)

    keeper.feed(leader(1))

    keeper.state.seq -= 1
    assert state_bytes(keeper.state) == before


def test_step__older_quote__ignored() -> None:
    keeper = quoting()
    keeper.feed(leader(5))

    keeper.feed(quoted(4, 3_100))

    assert keeper.state.markets["ETH-USD"].leader.price_e8 == 3_000 * 10**8


def test_step__restart__leader_is_unknown_until_it_speaks_and_basis_is_kept() -> None:
    keeper = quoting()
    keeper.feed(quoted(7, 3_003))
    keeper.block(1)
    basis = keeper.state.markets["ETH-USD"].leader.basis_ppb
    assert basis > 0
    chosen = keeper.state.settings
    assert chosen is not None

    keeper.feed(run_started(chosen, run=2))
    assert keeper.state.markets["ETH-USD"].leader.t_ns == -1
    keeper.feed(quoted(1, 3_003))

    held = keeper.state.markets["ETH-USD"].leader
    assert held.t_ns == keeper.now
    assert held.basis_ppb == basis


def test_state_bytes__with_a_leader__restored_as_it_was() -> None:
    keeper = quoting()

    assert state_bytes(state_from_bytes(state_bytes(keeper.state))) == state_bytes(keeper.state)


def test_reference_of__units_of_a_thousand__price_divided() -> None:
    keeper = quoting(base_units=1_000)

    around, _ = reference_of(keeper.state, "ETH-USD", keeper.state.markets["ETH-USD"])
    assert around is not None
    assert around.price == ETH_PRICE


def test_reference_of__own_book_weighs__without_our_own_orders() -> None:
    keeper = quoting(venue_weight_ppm=200_000)
    keeper.answer()
    ours = sides([command for _, command in keeper.sent if isinstance(command, PlaceOrder)])
    working = list(keeper.state.orders.working.values())
    bid = max(order.worst_subticks for order in working if order.side is Side.BUY)
    size = next(order.remaining for order in working if order.worst_subticks == bid)
    theirs = BookLevel(2_990_000_000, 10 * ONE_ETH)

    keeper.feed(
        book(
            50,
            bids=(BookLevel(bid, size), theirs),
            asks=(BookLevel(3_010_000_000, 30 * ONE_ETH),),
        )
    )

    # Others' book: 2990 x 10 against 3010 x 30, so 2995; (3000 * 8 + 2995 * 2) / 10 = 2999.
    around, _ = reference_of(keeper.state, "ETH-USD", keeper.state.markets["ETH-USD"])
    assert ours
    assert around is not None
    assert around.price == 2_999_000_000


def test_reference_of__nobody_else_in_the_book__oracle_and_leader_alone() -> None:
    keeper = quoting(venue_weight_ppm=200_000)
    keeper.state.markets["ETH-USD"].book.bids.clear()

    around, noted = reference_of(keeper.state, "ETH-USD", keeper.state.markets["ETH-USD"])

    assert noted == []
    assert around is not None
    assert around.price == ETH_PRICE


def test_step__oracle_resent_at_its_height__basis_is_not_learnt_twice() -> None:
    keeper = quoting()
    keeper.feed(quoted(2, 3_006))
    keeper.now += SECOND

    keeper.feed(oracle(keeper.height))

    assert keeper.state.markets["ETH-USD"].leader.basis_ppb == 0
