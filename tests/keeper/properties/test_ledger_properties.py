"""Laws of the ledger: interleaving and redelivery change no byte; causes sum to the unit."""

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from keeper.accounting.attribution import VenueProfit, attribute, price_moves_down
from keeper.accounting.entries import CASH, POSITION
from keeper.accounting.ledger import Ledger
from keeper.domain.events import (
    BlockReverted,
    BlockSeen,
    Event,
    FillReceived,
    FundingPaid,
    MarketListed,
    OraclePriced,
    VenueTransfer,
)
from keeper.domain.orders import Liquidity, Side
from tests.keeper.markets import ETH
from tests.keeper.samples import (
    observed,
)

LAST = 60
HEIGHTS = st.integers(2, LAST)
OPENING = 10**12


@st.composite
def fills(draw: st.DrawFn) -> list[Event]:
    found: list[Event] = []
    for number, height in enumerate(sorted(draw(st.lists(HEIGHTS, max_size=12)))):
        quantums = draw(st.integers(1, 5_000)) * ETH.step_base_quantums
        subticks = draw(st.integers(29_000, 31_000)) * ETH.subticks_per_tick
        found.append(
            FillReceived(
                fill_id=f"f{number}",
                market="ETH-USD",
                client_id=1,
                side=draw(st.sampled_from(Side)),
                quantums=quantums,
                subticks=subticks,
                quote_quantums=ETH.quote_quantums_down(quantums, subticks),
                fee_quote_quantums=draw(st.integers(-500, 5_000)),
                liquidity=Liquidity.MAKER,
                kind="LIMIT",
                height=height,
            )
        )
    return found


@st.composite
def oracles(draw: st.DrawFn) -> list[Event]:
    prices = st.integers(2_900_000_000, 3_100_000_000)
    later = [(height, draw(prices)) for height in sorted(draw(st.sets(HEIGHTS, max_size=20)))]
    return [
        OraclePriced(market="ETH-USD", source="o", price=price, height=height)
        for height, price in [(1, draw(prices)), *later]
    ]


@st.composite
def flows(draw: st.DrawFn) -> list[Event]:
    amounts = st.integers(-(10**9), 10**9)
    found: list[Event] = []
    for number, height in enumerate(sorted(draw(st.sets(HEIGHTS, max_size=8)))):
        amount = draw(amounts)
        if number % 2:
            found.append(FundingPaid(market="ETH-USD", height=height, quote_quantums=amount))
        else:
            found.append(
                VenueTransfer(
                    transfer_id=f"t{number}",
                    quote_quantums=amount,
                    counterparty="w",
                    height=height,
                )
            )
    return found


CHAIN: list[Event] = [
    BlockSeen(number=1, hash="0x1", timestamp=1),
    BlockReverted(number=1, hash="0x1"),
    BlockSeen(number=1, hash="0x2", timestamp=1),
]


def words(events: list[Event], rounding: int) -> list[Event]:
    """What the venue says at the start and the end, `rounding` quanta off what the events add."""
    ledger = ledger_of([observed(1, OPENING), *events])
    entries = ledger.venue_entries()
    cash = sum(entry.amount(CASH, "quote") for entry in entries)
    held = sum(entry.amount(POSITION, "ETH-USD") for entry in entries)
    first, last = observed(1, OPENING), observed(LAST, cash - rounding, held)
    return [MarketListed(market=ETH), first, last]


def ledger_of(events: list[Event]) -> Ledger:
    ledger = Ledger()
    for event in events:
        ledger.apply(event)
    return ledger


def interleaved(sources: list[list[Event]], seed: int) -> list[Event]:
    """One order of all events in which each source keeps its own."""
    queues = [list(source) for source in sources if source]
    rng, order = random.Random(seed), []
    while queues:
        queue = rng.choice(queues)
        order.append(queue.pop(0))
        queues = [queue for queue in queues if queue]
    return order


@given(fills(), oracles(), flows(), st.integers(0, 1), st.integers(), st.integers())
def test_books__independent_sources_interleaved_differently__are_the_same_bytes(
    trades: list[Event],
    prices: list[Event],
    payments: list[Event],
    rounding: int,
    seed: int,
    other_seed: int,
) -> None:
    said = words(trades + payments, rounding)
    sources = [trades, prices, payments, said, CHAIN]

    one = ledger_of(interleaved(sources, seed))
    other = ledger_of(interleaved([*sources, trades], other_seed))

    assert one.books().to_bytes() == other.books().to_bytes()
    assert attribute(one, 1, LAST) == attribute(other, 1, LAST)


@given(fills(), oracles(), flows(), st.integers(0, 1), st.integers(1, LAST))
def test_attribute__any_span__causes_sum_to_equity_net_of_transfers(
    trades: list[Event], prices: list[Event], payments: list[Event], rounding: int, middle: int
) -> None:
    off = rounding if trades or payments else 0
    ledger = ledger_of([*prices, *trades, *payments, *words(trades + payments, off)])

    spans = [attribute(ledger, *ends) for ends in ((1, LAST), (1, middle), (middle, LAST))]

    profits = [span for span in spans if isinstance(span, VenueProfit)]
    assert len(profits) == 3
    for profit in profits:
        change = profit.closing_equity - profit.opening_equity
        assert profit.causes.total == change - profit.transfers
        assert profit.unexplained_entries == 0
    whole, first, second = (profit.causes for profit in profits)
    assert msgspec.structs.astuple(whole) == tuple(
        a + b
        for a, b in zip(
            msgspec.structs.astuple(first), msgspec.structs.astuple(second), strict=True
        )
    )


@given(fills(), oracles(), flows())
def test_attribute__inventory__is_position_times_change_of_oracle_within_rounding(
    trades: list[Event], prices: list[Event], payments: list[Event]
) -> None:
    ledger = ledger_of([*prices, *trades, *payments, *words(trades + payments, 0)])

    profit = attribute(ledger, 1, LAST)

    assert isinstance(profit, VenueProfit)
    most = len(trades) + len(prices) + 2
    assert abs(profit.causes.inventory - price_moves_down(ledger, 1, LAST)) <= most


@given(fills(), flows())
def test_books__any_events__every_unit_sums_to_zero(
    trades: list[Event], payments: list[Event]
) -> None:
    books = ledger_of([*words(trades + payments, 1), *trades, *payments]).books()

    totals: dict[str, int] = {}
    for units in books.balances.values():
        for unit, amount in units.items():
            totals[unit] = totals.get(unit, 0) + amount

    assert not any(totals.values())
