"""Profit out of the index: the ledger's own figures, cut by period, and never a wrong one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from keeper.accounting.attribution import VenueProfit, attribute
from keeper.accounting.ledger import Ledger
from keeper.accounting.profit import sum_causes
from keeper.domain import events as ev
from keeper.index import Index, open_index
from keeper.index.periods import Period, calendar_periods
from keeper.index.profit import Profit, profit_of, window_of
from keeper.index.venue_books import ProfitUnexplained
from tests.keeper import builders
from tests.keeper.builders import ONE_ETH, POOL, SECOND, USDC
from tests.keeper.ledger_story import DAY, FIRST_HEIGHT, HEIGHTS, START, story, write_story
from tests.keeper.samples import Written

LAST = FIRST_HEIGHT + HEIGHTS - 1
Opened = Callable[[list[Written]], Index]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    indexes: list[Index] = []

    def build(steps: list[Written]) -> Index:
        write_story(tmp_path / "journal", steps)
        indexes.append(open_index(tmp_path / "journal", tmp_path / "index"))
        return indexes[-1]

    yield build
    for index in indexes:
        index.close()


def profit(
    index: Index, by: str = "all", since_ns: int | None = None, until_ns: int | None = None
) -> Profit:
    window = window_of(index, since_ns, until_ns)
    whole = [Period("all", window.start_ns, window.end_ns)]
    periods = calendar_periods(by, window.start_ns, window.end_ns) if by != "all" else whole
    return profit_of(index, window, periods)


def ledger_of(steps: list[Written]) -> Ledger:
    ledger = Ledger()
    for _, event, _ in steps:
        ledger.apply(event)
    return ledger


def of_venue(found: Profit, venue: str) -> object:
    return sum_causes(row.causes for row in found.rows if row.venue == venue)


def test_profit_of__position_older_than_the_first_price__counts_from_that_price(
    opened: Opened,
) -> None:
    """A new journal on an account that trades already: its state is read before a price is."""
    held = builders.subaccount(1_000, ETH=ONE_ETH)
    told: list[ev.Event] = [
        builders.run_started(builders.settings()),
        ev.MarketListed(market=builders.ETH),
        ev.Reconciled(height=1_000, subaccount=held, open_orders=()),
    ]
    for height, price in ((1_001, 3_000), (1_002, 2_990)):
        told.append(ev.VenueBlock(height=height, time_ns=(START + height) * SECOND))
        told.append(builders.oracle(height, price * 10**6))

    found = profit(opened([((START + n) * SECOND, event, ()) for n, event in enumerate(told)]))

    assert found.totals.total == -10 * USDC
    assert found.window.from_height == 1_001


def test_profit_of__whole_journal__is_the_ledgers_attribution(opened: Opened) -> None:
    steps = story()
    expected = attribute(ledger_of(steps), FIRST_HEIGHT, LAST)
    assert isinstance(expected, VenueProfit)

    found = profit(opened(steps))

    (clob, _) = found.identities
    assert of_venue(found, "clob") == expected.causes
    assert expected.causes.funding == -72_000
    assert (clob.opening, clob.closing) == (expected.opening_equity, expected.closing_equity)
    assert clob.transfers == expected.transfers == 4_000 * USDC
    assert clob.difference == 0


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_profit_of__any_calendar__adds_up_to_the_whole(opened: Opened, by: str) -> None:
    index = opened(story())

    parts, whole = profit(index, by), profit(index)

    assert len({row.period for row in parts.rows}) == {"day": 3, "week": 2, "month": 1}[by]
    assert parts.totals == whole.totals
    assert sum(gas.wei for gas in parts.gas) == 200_000 * 10**9
    assert [entry.difference for entry in parts.identities] == [0, 0]


def test_profit_of__each_day__is_the_ledgers_attribution_of_its_heights(opened: Opened) -> None:
    steps = story()
    ledger = ledger_of(steps)
    ends = [FIRST_HEIGHT, FIRST_HEIGHT + 23, FIRST_HEIGHT + 47, LAST]

    found = profit(opened(steps), "day")

    for number, label in enumerate(("2026-11-22", "2026-11-23", "2026-11-24")):
        expected = attribute(ledger, ends[number], ends[number + 1])
        assert isinstance(expected, VenueProfit)
        day = [r.causes for r in found.rows if r.venue == "clob" and r.period.label == label]
        assert sum_causes(day) == expected.causes


def test_profit_of__since__begins_at_the_last_height_before_it(opened: Opened) -> None:
    steps = story()
    expected = attribute(ledger_of(steps), FIRST_HEIGHT + 23, LAST)
    assert isinstance(expected, VenueProfit)

    found = profit(opened(steps), since_ns=(START + DAY) * SECOND)

    assert of_venue(found, "clob") == expected.causes
    assert found.window.from_height == FIRST_HEIGHT + 23


@pytest.mark.parametrize("hours", [1, 20, 30, 61, 71])
def test_profit_of__cut_at_any_hour__both_parts_add_up_to_the_whole(
    opened: Opened, hours: int
) -> None:
    index, cut = opened(story()), (START + hours * 3_600) * SECOND

    parts = (profit(index, until_ns=cut), profit(index, since_ns=cut))

    whole = profit(index)
    assert sum_causes(part.totals for part in parts) == whole.totals
    assert sum(gas.wei for part in parts for gas in part.gas) == sum(g.wei for g in whole.gas)
    for entry in whole.identities:
        flows = [i.transfers for part in parts for i in part.identities if i.venue == entry.venue]
        assert sum(flows) == entry.transfers != 0


def test_profit_of__pools__are_the_ledgers_periods(opened: Opened) -> None:
    steps = story()
    periods = list(ledger_of(steps).pools.periods(POOL))

    found = profit(opened(steps))

    pool = of_venue(found, "pool")
    assert pool.inventory == sum(p.inventory for p in periods)  # type: ignore[attr-defined]
    (_, identity) = found.identities
    assert identity.transfers == 50_000 * USDC
    assert identity.closing == periods[-1].closing_value


def test_profit_of__balance_that_nothing_explains__is_an_error(opened: Opened) -> None:
    steps = story()
    at = next(n for n, (_, event, _) in enumerate(steps) if _is_fill(event))
    del steps[at]

    with pytest.raises(ProfitUnexplained, match=f"at height {FIRST_HEIGHT + 5} the venue holds"):
        profit(opened(steps))


def _is_fill(event: ev.Event) -> bool:
    return isinstance(event, ev.FillReceived)


def test_profit_of__fill_missing_at_the_very_end__is_told_and_not_counted(opened: Opened) -> None:
    steps = story()
    at = next(n for n in reversed(range(len(steps))) if _is_fill(steps[n][1]))
    height = FIRST_HEIGHT + 70
    expected = attribute(ledger_of(steps), FIRST_HEIGHT, height - 1)
    assert isinstance(expected, VenueProfit)
    del steps[at]

    found = profit(opened(steps))

    assert [entry.height for entry in found.pending] == [height, height]
    assert of_venue(found, "clob") == expected.causes


def test_profit_of__no_oracle_price_before_a_fill__is_an_error(opened: Opened) -> None:
    steps = [
        (t_ns, event, commands)
        for t_ns, event, commands in story()
        if not (isinstance(event, ev.OraclePriced) and event.height < FIRST_HEIGHT + 10)
    ]

    with pytest.raises(ProfitUnexplained, match="no oracle price or listing of ETH-USD"):
        profit(opened(steps))


def test_profit_of__fills_and_prices_out_of_order__changes_nothing(opened: Opened) -> None:
    """What arrives late, as after a restart, is booked where it belongs."""
    steps = story()
    late = [step for step in steps[:300] if _is_fill(step[1])]
    early = [step for step in steps[:300] if not _is_fill(step[1])]
    shifted = [*early, *[(early[-1][0], event, ()) for _, event, _ in late], *steps[300:]]

    assert profit(opened(shifted), "day").totals == _totals_of(steps)


def _totals_of(steps: list[Written]) -> object:
    expected = attribute(ledger_of(steps), FIRST_HEIGHT, LAST)
    assert isinstance(expected, VenueProfit)
    pools = list(ledger_of(steps).pools.periods(POOL))
    assert all(p.fees == p.execution == 0 for p in pools)
    more = sum(p.inventory for p in pools)
    return replace(expected.causes, inventory=expected.causes.inventory + more)


def test_window_of__journal_without_the_venues_word__has_no_profit(opened: Opened) -> None:
    steps = [s for s in story() if not isinstance(s[1], ev.Reconciled | ev.SubaccountObserved)]

    found = profit(opened(steps))

    assert found.window.from_height is None
    assert {row.venue for row in found.rows} == {"pool"}
