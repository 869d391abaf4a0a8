"""A rule on a tape: fills only when a print goes through, exact cash, the same series each time."""

from collections.abc import Sequence

import pytest

from keeper.core.on_tape import Best, Filled, Printed, Quoted, TapePoint, walk
from keeper.core.signals import Top
from keeper.domain.orders import Side
from keeper.domain.strategies import (
    FixedSpreadParams,
    ImbalanceOverlay,
    Overlays,
    SessionGate,
    Strategy,
    ToxicityOverlay,
)
from keeper.strategies.overlays import MINUTES_PER_WEEK, minute_of_week
from tests.keeper.builders import (
    ONE_ETH,
    USDC,
    market_settings,
)
from tests.keeper.markets import ETH
from tests.keeper.unit.strategies.examples import EXAMPLES

SECOND = 10**9
T0 = 1_750_000_000 * SECOND
RULE = FixedSpreadParams(
    layers=2, half_spread_ppm=1_000, layer_step_ppm=1_000, order_size_quote_quantums=3_000 * USDC
)
"""At 3,000: one ether each at 2,997 and 2,994, 3,003 and 3,006."""
CASH = 100_000 * USDC


def best(second: int, middle: int = 3_000) -> Best:
    """A book of ten ether a side, 0.2 USDC wide."""
    top = Top(middle * 10**6 - 100_000, 10 * ONE_ETH, middle * 10**6 + 100_000, 10 * ONE_ETH)
    return Best(T0 + second * SECOND, top)


def sold(second: int, price: int, size: int = ONE_ETH) -> Printed:
    return Printed(T0 + second * SECOND, Side.SELL, price, size)


def walked(
    tape: Sequence[TapePoint],
    rule: Strategy = RULE,
    overlays: Overlays | None = None,
    fee_ppm: int = 0,
) -> list[Quoted | Filled]:
    found = market_settings(strategy=rule, overlays=overlays)
    return list(walk(found, ETH, CASH, fee_ppm, tape))


def fills(rows: list[Quoted | Filled]) -> list[tuple[Side, int, int]]:
    return [(row.side, row.subticks, row.quantums) for row in rows if isinstance(row, Filled)]


@pytest.mark.parametrize(("price", "filled"), [(2_997_000_000, 0), (2_996_900_000, 1)])
def test_walk__print_at_or_through_the_price__fills_only_through(price: int, filled: int) -> None:
    rows = walked([best(0), sold(1, price)])

    assert fills(rows) == [(Side.BUY, 2_997_000_000, ONE_ETH)] * filled


def test_walk__large_print__front_layer_first_and_no_more_than_its_size() -> None:
    rows = walked([best(0), sold(1, 2_990_000_000, ONE_ETH * 3 // 2), sold(2, 2_990_000_000)])

    assert fills(rows) == [
        (Side.BUY, 2_997_000_000, ONE_ETH),
        (Side.BUY, 2_994_000_000, ONE_ETH // 2),
        (Side.BUY, 2_994_000_000, ONE_ETH // 2),
    ]


def test_walk__bought_and_sold__cash_and_equity_to_the_unit() -> None:
    """Bought at 2,997 and sold at 3,003, each less a fee of 0.01 %."""
    bought = Printed(T0 + 2 * SECOND, Side.BUY, 3_004_000_000, ONE_ETH)

    rows = walked([best(0), sold(1, 2_990_000_000), bought, best(3)], fee_ppm=100)

    changes = [row.cash for row in rows if isinstance(row, Filled)]
    assert changes[0] == -(2_997_000_000 + 299_700)
    assert changes[-1] == 3_003_000_000 - 300_300
    last = rows[-1]
    assert isinstance(last, Quoted)
    assert (last.position, last.equity) == (0, CASH + sum(changes))


def test_walk__position__valued_at_the_middle() -> None:
    rows = walked([best(0), sold(1, 2_996_000_000), best(2, 3_100)])

    last = rows[-1]
    assert isinstance(last, Quoted)
    assert (last.position, last.equity) == (ONE_ETH, CASH + 103 * USDC)


def test_walk__quote_that_would_take__not_placed() -> None:
    """A curve long of inventory asks below the book."""
    narrow = Best(T0, Top(2_000_000_000, ONE_ETH, 3_000_100_000, ONE_ETH))

    (row,) = walked([narrow])

    assert isinstance(row, Quoted)
    assert all(q.subticks > 2_000_000_000 for q in row.quotes if q.side is Side.SELL)
    assert all(q.subticks < 3_000_100_000 for q in row.quotes if q.side is Side.BUY)


def test_walk__session_closed__refused_by_its_code() -> None:
    minute = minute_of_week(T0 // SECOND)
    gate = SessionGate(windows=((minute + 1, MINUTES_PER_WEEK),), outside="pull")

    (row,) = walked([best(0)], overlays=Overlays(session=gate))

    assert isinstance(row, Quoted)
    assert (row.quotes, row.refused) == ((), "SESSION_CLOSED")


def test_walk__overlays__fed_from_the_tape() -> None:
    """Bought at 2,997 and five seconds later at 2,900: that side steps back."""
    wary = Overlays(
        toxicity=ToxicityOverlay(horizon_seconds=5, fills=1, gain_ppm=1_000_000, max_widen_ppm=500),
        imbalance=ImbalanceOverlay(seconds=5, shift_ppm=1),
    )
    tape = [best(0), sold(1, 2_996_000_000), best(2, 2_900), best(7, 2_900)]

    plain, bent = walked(tape), walked(tape, overlays=wary)

    def front(rows: list[Quoted | Filled], side: Side) -> int:
        last = rows[-1]
        assert isinstance(last, Quoted)
        return next(quote.subticks for quote in last.quotes if quote.side is side)

    assert front(bent, Side.BUY) == front(plain, Side.BUY) - 1_400_000 - 100_000
    assert front(bent, Side.SELL) == front(plain, Side.SELL)


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: type(rule).__name__)
def test_walk__every_rule__quotes_and_repeats_to_the_bit(rule: Strategy) -> None:
    tape: list[TapePoint] = [best(0), sold(1, 2_800_000_000), best(2), best(3, 2_990)]

    first = walked(tape, rule)

    assert first == walked(tape, rule)
    assert fills(first)
    assert all(row.quotes for row in first if isinstance(row, Quoted))
