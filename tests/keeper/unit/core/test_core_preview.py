"""Previews are tried on a copy: they say what would come, and the keeper is as it was."""

from msgspec.structs import replace

from keeper.core.preview import flattening_plan, ladders, ladders_under, new_flaws
from keeper.core.state import state_bytes
from keeper.domain.commands import BurnRange, CancelOrders, PlaceOrder
from keeper.domain.events import OperatorCommand, ParamsChanged, RangeState
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.settings import StepSettings, params_hash
from tests.keeper.builders import (
    ALLOCATION,
    FIXED,
    MEGAVAULT,
    ONE_ETH,
    SECOND,
    Keeper,
    market_settings,
    of,
    pool_seen,
    pool_settings,
    settings,
)


def _wider() -> StepSettings:
    rule = replace(MEGAVAULT, spread_min_ppm=9_000)
    return settings(markets=(market_settings(strategy=rule),))


def test_ladders__quoting__are_what_rests() -> None:
    keeper = Keeper()
    keeper.start()

    (ladder,) = ladders(keeper.state)

    wanted = {(quote.side, quote.subticks, quote.quantums) for quote in ladder.quotes}
    assert wanted == {(o.side, o.subticks, o.quantums) for o in keeper.places()}
    assert ladder.refused == ()


def test_ladders_under__wider_spread__is_what_the_change_then_brings() -> None:
    keeper = Keeper()
    keeper.start()
    keeper.answer()
    before = state_bytes(keeper.state)

    (previewed,) = ladders_under(keeper.state, _wider())

    assert state_bytes(keeper.state) == before
    keeper.block()
    changed = keeper.feed(ParamsChanged(settings=_wider(), params_hash=params_hash(_wider())))
    placed = {(o.side, o.subticks, o.quantums) for o in of(changed, PlaceOrder)}
    assert placed == {(q.side, q.subticks, q.quantums) for q in previewed.quotes}


def test_ladders__paused__none_and_the_reason() -> None:
    keeper = Keeper()
    keeper.start()
    keeper.feed(OperatorCommand(verb="pause", argument="ETH-USD", operator="ada"))

    (ladder,) = ladders(keeper.state)

    assert ladder.quotes == ()
    assert [refusal.code for refusal in ladder.refused] == ["PAUSED"]


def test_new_flaws__spread_below_a_tick__named_once_and_not_when_it_was_there_before() -> None:
    narrow = settings(markets=(market_settings(strategy=replace(FIXED, half_spread_ppm=1)),))
    keeper = Keeper(settings(markets=(market_settings(strategy=FIXED),)))
    keeper.start()

    assert [flaw.code for flaw in new_flaws(keeper.state, narrow)] == ["SPREAD_BELOW_TICK"]

    keeper.feed(ParamsChanged(settings=narrow, params_hash=params_hash(narrow)))
    assert new_flaws(keeper.state, narrow) == ()


def test_flattening_plan__long_with_quotes_and_a_range__cancels_sells_and_burns() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))
    keeper.start(ETH=2 * ONE_ETH)
    keeper.answer()
    spot = pool_seen(1)
    centre = spot.tick // 10 * 10
    held = RangeState(tick_lower=centre - 1_200, tick_upper=centre + 1_200, liquidity=10**14)
    seen = replace(spot, ranges=(held,), amount0=0)
    keeper.feed(replace(seen, block_timestamp=keeper.now // SECOND))
    before = state_bytes(keeper.state)

    plan = flattening_plan(keeper.state)

    assert state_bytes(keeper.state) == before
    (cancel,) = [c for c in plan if isinstance(c, CancelOrders)]
    assert len(cancel.client_ids) == 6
    (sale,) = [c for c in plan if isinstance(c, PlaceOrder)]
    assert (sale.side, sale.time_in_force) == (Side.SELL, TimeInForce.IOC)
    (burn,) = [c for c in plan if isinstance(c, BurnRange)]
    assert burn.liquidity == held.liquidity


def test_step__cancel__withdraws_all_that_rests_and_quotes_again_in_the_next_block() -> None:
    keeper = Keeper()
    keeper.start()
    keeper.answer()
    resting = {order.client_id for order in keeper.state.orders.working.values()}

    cancels = keeper.feed(OperatorCommand(verb="cancel", argument="", operator="ada"))
    keeper.answer()
    again = of(keeper.block(), PlaceOrder)

    assert {i for c in of(cancels, CancelOrders) for i in c.client_ids} == resting
    assert len(again) == len(resting)
    assert resting.isdisjoint({order.client_id for order in again})


def test_step__cancel_of_another_market__nothing() -> None:
    keeper = Keeper()
    keeper.start()
    keeper.answer()

    assert keeper.feed(OperatorCommand(verb="cancel", argument="BTC-USD", operator="ada")) == []
