"""Laws of the period fold: its causes are the ledger's attribution, however time is cut."""

from hypothesis import given
from hypothesis import strategies as st

from keeper.accounting.attribution import VenueProfit, attribute
from keeper.accounting.ledger import Ledger
from keeper.accounting.profit import (
    Movement,
    Observation,
    Trade,
    VenueFold,
    VenuePeriod,
    sum_causes,
)
from keeper.domain.events import Event, FillReceived, FundingPaid, SubaccountObserved, VenueTransfer
from tests.keeper.properties.test_ledger_properties import (
    LAST,
    fills,
    flows,
    ledger_of,
    oracles,
    words,
)


def folded(ledger: Ledger, events: list[Event], ends: list[int]) -> list[VenuePeriod]:
    """Give the fold everything by height, observations last at each, and close at `ends`."""

    def price(market: str, height: int) -> int | None:
        return ledger.prices[market].at(height)

    seen = [observation(e) for e in events if isinstance(e, SubaccountObserved)]
    fold = VenueFold(ledger.markets, price, seen[0])
    found, waiting = [], list(ends)
    for event in sorted((e for e in events if height_of(e)), key=order):
        while height_of(event) > waiting[0]:
            found.append(fold.close(waiting.pop(0)))
        give(fold, event, price)
    return found + [fold.close(height) for height in waiting]


def give(fold: VenueFold, event: Event, price: object) -> None:
    match event:
        case FillReceived():
            sign = event.side.sign
            oracle = price(event.market, event.height)  # type: ignore[operator]
            amounts = (sign * event.quantums, sign * event.quote_quantums)
            fee = event.fee_quote_quantums
            fold.trade(Trade(event.height, event.market, *amounts, fee, oracle))
        case FundingPaid():
            fold.funding(Movement(event.height, event.market, event.quote_quantums))
        case VenueTransfer():
            fold.transfer(Movement(event.height, "", event.quote_quantums))
        case SubaccountObserved():
            fold.observe(observation(event))


def observation(seen: SubaccountObserved) -> Observation:
    cash = seen.usdc_quote_quantums + sum(p.quote_balance for p in seen.positions)
    return Observation(seen.height, cash, tuple((p.market, p.quantums) for p in seen.positions))


def height_of(event: Event) -> int:
    return getattr(event, "height", 0)


def order(event: Event) -> tuple[int, bool]:
    return height_of(event), isinstance(event, SubaccountObserved)


@given(
    fills(), oracles(), flows(), st.integers(0, 1), st.sets(st.integers(2, LAST - 1), max_size=4)
)
def test_close__any_periods__are_the_ledgers_attribution_of_each(
    trades: list[Event], prices: list[Event], payments: list[Event], rounding: int, cuts: set[int]
) -> None:
    off = rounding if trades or payments else 0
    events = [*prices, *trades, *payments, *words(trades + payments, off)]
    ledger, ends = ledger_of(events), [*sorted(cuts), LAST]

    periods = folded(ledger, events, ends)

    for start, period in zip([1, *ends], periods, strict=False):
        expected = attribute(ledger, start, period.to_height)
        assert isinstance(expected, VenueProfit)
        assert sum_causes(period.by_market.values()) == expected.causes
        assert (period.opening_equity, period.closing_equity, period.transfers) == (
            expected.opening_equity,
            expected.closing_equity,
            expected.transfers,
        )
        assert period.gap == 0
        assert period.unexplained == ()


@given(fills(), oracles(), st.integers(2, 10**6))
def test_observe__more_than_rounding__is_told_and_no_cause_hides_it(
    trades: list[Event], prices: list[Event], amount: int
) -> None:
    more = amount + len(trades)
    events = [*prices, *trades, *words(trades, -more)]

    (period,) = folded(ledger_of(events), events, [LAST])

    assert [(e.height, e.market, e.amount) for e in period.unexplained] == [(LAST, "", more)]
    assert period.gap == more
