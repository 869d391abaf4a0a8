"""The slow loop: allocation, redemptions, ranges, swaps, receipts, exit, failures."""

from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from keeper.core.chain import on_chain_value
from keeper.core.state import Position
from keeper.core.views import net_delta
from keeper.domain.commands import (
    Allocate,
    BurnRange,
    CancelOrders,
    CloseEpoch,
    Command,
    CommandId,
    Deallocate,
    MintRange,
    NoteRefusal,
    PlaceOrder,
    RaiseAlert,
    SwapExactIn,
    SyncAdapter,
)
from keeper.domain.events import (
    BlockReverted,
    BlockSeen,
    OperatorCommand,
    PoolObserved,
    RangeState,
    TransactionMined,
    VaultObserved,
    VenueTransfer,
)
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.settings import PoolEconomics
from keeper.markets.ranges import mark_sqrt_price
from keeper.risk.phase import Phase
from keeper.strategies.range_liquidity import centred_ticks
from tests.keeper.builders import (
    ALLOCATION,
    CLOB,
    HOUSEKEEPING,
    LIMITS,
    ONE_ETH,
    POOL,
    SECOND,
    START_HEIGHT,
    START_NS,
    USDC,
    Keeper,
    adapter,
    market_settings,
    of,
    pool_seen,
    pool_settings,
    result,
    settings,
    vault,
)
from tests.keeper.markets import ETH

CHAIN = (Allocate, BurnRange, CloseEpoch, Deallocate, MintRange, SwapExactIn, SyncAdapter)
ONE_WETH = 10**18
Observed = TypeVar("Observed", VaultObserved, PoolObserved)


def _keeper(**changes: Any) -> Keeper:
    """Quoting, with an empty venue account, so that the whole NAV is in the vault."""
    chosen = replace(
        settings(
            markets=(market_settings(max_position_quote_quantums=300_000 * USDC),),
            pools=(pool_settings(),),
            allocation=ALLOCATION,
            limits=replace(LIMITS, daily_loss_quote_quantums=20_000 * USDC),
        ),
        **changes,
    )
    keeper = Keeper(chosen)
    keeper.start()
    keeper.answer()
    return keeper


def _chain(commands: list[Command]) -> list[Any]:
    return [command for command in commands if isinstance(command, CHAIN)]


def _mine(keeper: Keeper, block: int, succeeded: bool = True) -> list[Command]:
    """Receipts for every chain command sent and not yet answered."""
    waiting, keeper.sent = keeper.sent, []
    out: list[Command] = []
    for command_id, command in waiting:
        if isinstance(command, CHAIN):
            out += keeper.feed(_receipt(command_id, block, succeeded))
    return out


def _receipt(command_id: CommandId, block: int, succeeded: bool = True) -> TransactionMined:
    return TransactionMined(
        command=command_id,
        tx_hash=f"0x{command_id.seq}",
        block_number=block,
        block_hash=f"0xb{block}",
        succeeded=succeeded,
        gas_used=200_000,
        effective_gas_price=10**9,
        final=False,
    )


def _at(keeper: Keeper, event: Observed) -> Observed:
    """The observation stamped with the keeper's present time."""
    return replace(event, block_timestamp=keeper.now // SECOND)


def test_vault_observed__all_idle__allocates_to_both_targets_within_caps() -> None:
    keeper = _keeper()

    commands = _chain(keeper.feed(vault(1)))

    # The account holds 100,000 already; targets are 35 % and 20 % of a million.
    assert commands == [
        Allocate(adapter=CLOB, assets=250_000 * USDC),
        Allocate(adapter=POOL, assets=200_000 * USDC),
    ]


def test_vault_observed__commands_under_way__nothing_more() -> None:
    keeper = _keeper()
    keeper.feed(vault(1))

    assert _chain(keeper.feed(vault(2))) == []


def test_vault_observed__mined_but_observed_before__waits_for_the_block() -> None:
    keeper = _keeper()
    keeper.feed(vault(1))
    _mine(keeper, block=5)

    assert _chain(keeper.feed(vault(4))) == []
    assert len(_chain(keeper.feed(vault(5)))) == 2


def test_vault_observed__allocation_in_transit__counts_as_venue_capital() -> None:
    keeper = _keeper()
    keeper.feed(vault(1))
    _mine(keeper, block=2)

    on_the_way = vault(
        2,
        idle=550_000 * USDC,
        adapters=(adapter(CLOB, sent=250_000 * USDC), adapter(POOL, value=200_000 * USDC)),
    )

    assert _chain(keeper.feed(on_the_way)) == []


def test_vault_observed__venue_cap__limits_the_move() -> None:
    keeper = _keeper()

    commands = _chain(keeper.feed(vault(1, venue_cap_bps=2_000)))

    assert Allocate(adapter=CLOB, assets=100_000 * USDC) in commands


def test_vault_observed__on_chain_minimum__limits_the_move() -> None:
    keeper = _keeper()

    commands = _chain(keeper.feed(vault(1, min_on_chain_bps=9_000)))

    assert Allocate(adapter=CLOB, assets=100_000 * USDC) in commands


def test_vault_observed__cut_open__no_allocation() -> None:
    keeper = _keeper()

    assert _chain(keeper.feed(vault(1, state="CUT"))) == []


def test_vault_observed__redemptions_owed__idle_stays() -> None:
    keeper = _keeper()

    commands = _chain(keeper.feed(vault(1, owed_assets=900_000 * USDC)))

    assert sum(command.assets for command in of(commands, Allocate)) <= 100_000 * USDC


def _owing(keeper: Keeper, block: int, owed: int, requested: int = 0) -> VaultObserved:
    """450,000 idle, 200,000 in the pool and 250,000 more than at first on the venue."""
    clob = adapter(CLOB, sent=250_000 * USDC, requested=requested)
    return _at(
        keeper,
        vault(
            block,
            idle=450_000 * USDC,
            owed_assets=owed,
            adapters=(clob, adapter(POOL, value=200_000 * USDC)),
        ),
    )


def _with_capital_out(**changes: Any) -> Keeper:
    """A keeper whose capital is on both venues, and has arrived there."""
    keeper = _keeper(**changes)
    keeper.feed(vault(1))
    _mine(keeper, block=2)
    keeper.feed(
        VenueTransfer(
            transfer_id="in",
            quote_quantums=250_000 * USDC,
            counterparty="bridge",
            height=START_HEIGHT + 1,
        )
    )
    return keeper


def test_vault_observed__owed_beyond_idle__the_pool_pays_before_the_venue_is_asked() -> None:
    keeper = _with_capital_out()

    commands = _chain(keeper.feed(_owing(keeper, 3, owed=600_000 * USDC)))

    assert commands == []
    assert keeper.state.pools[POOL].home == 150_000 * USDC


def test_vault_observed__owed_beyond_idle_and_pool__venue_asked_once_for_the_rest() -> None:
    keeper = _with_capital_out()
    rest = 100_000 * USDC

    asked = _chain(keeper.feed(_owing(keeper, 3, owed=750_000 * USDC)))
    _mine(keeper, block=4)
    again = _chain(keeper.feed(_owing(keeper, 4, owed=750_000 * USDC, requested=rest)))

    assert asked == [Deallocate(adapter=CLOB, assets=rest)]
    assert again == []
    assert keeper.state.pools[POOL].home == 200_000 * USDC


def test_vault_observed__asked_home_by_an_earlier_journal__not_asked_again() -> None:
    keeper = _with_capital_out()

    asked = _chain(keeper.feed(_owing(keeper, 3, owed=750_000 * USDC, requested=60_000 * USDC)))

    assert asked == [Deallocate(adapter=CLOB, assets=40_000 * USDC)]


def test_vault_observed__pool_refuses__venue_asked_instead() -> None:
    keeper = _with_capital_out()
    keeper.feed(pool_seen(3, amount0=100_000 * USDC, mark_price=3_100 * 10**8))
    assert keeper.state.guard.active[POOL]

    commands = _chain(keeper.feed(_owing(keeper, 3, owed=600_000 * USDC)))

    assert commands == [Deallocate(adapter=CLOB, assets=150_000 * USDC)]
    assert keeper.state.pools[POOL].home == 0


@pytest.mark.parametrize("code", ["HEDGE_MARGIN", "MAX_LP", "SNAPSHOT_AGE"])
def test_vault_observed__pool_may_only_not_grow_or_is_not_seen_yet__pays_all_the_same(
    code: str,
) -> None:
    keeper = _with_capital_out()
    keeper.state.guard.active[POOL] = (f"{code}:{POOL}",)

    commands = _chain(keeper.feed(_owing(keeper, 3, owed=600_000 * USDC)))

    assert commands == []
    assert keeper.state.pools[POOL].home == 150_000 * USDC


def test_vault_observed__pool_fails_three_times__venue_asked_instead() -> None:
    keeper = _with_capital_out()
    keeper.state.chain.failures[POOL] = 3

    commands = _chain(keeper.feed(_owing(keeper, 3, owed=600_000 * USDC)))

    assert commands == [Deallocate(adapter=CLOB, assets=150_000 * USDC)]


def test_vault_observed__redemption_buffer__kept_beyond_what_is_owed() -> None:
    keeper = _with_capital_out(housekeeping=HOUSEKEEPING)

    commands = _chain(keeper.feed(_owing(keeper, 3, owed=450_000 * USDC)))

    assert commands == []
    assert keeper.state.pools[POOL].home == 9_000 * USDC  # 2 % of what is owed


def test_vault_observed__money_on_its_way_home__sync_asked_for() -> None:
    keeper = _keeper()
    keeper.feed(vault(1))
    _mine(keeper, block=2)
    keeper.feed(
        VenueTransfer(
            transfer_id="out", quote_quantums=-10 * USDC, counterparty="w", height=START_HEIGHT + 1
        )
    )

    commands = _chain(keeper.feed(vault(2, state="CUT")))

    assert commands == [SyncAdapter(adapter=CLOB)]


def test_vault_observed__old_block__refused_as_stale() -> None:
    keeper = _keeper()

    commands = keeper.feed(vault(1, block_timestamp=START_NS // SECOND - 61))

    assert _chain(commands) == []
    assert {note.code for note in of(commands, NoteRefusal)} >= {"STALE_VAULT"}


def test_vault_observed__halted__nothing() -> None:
    keeper = _keeper()
    keeper.feed(OperatorCommand(verb="halt", argument="", operator="me"))

    assert _chain(keeper.feed(vault(1))) == []


def test_vault_observed__reverted_block__observed_again() -> None:
    keeper = _keeper()
    keeper.feed(vault(7, idle=0))
    keeper.feed(BlockReverted(number=7, hash="0xv7"))

    keeper.feed(vault(6, block_hash="0xother"))

    seen = keeper.state.chain.vault
    assert seen is not None
    assert seen.block_number == 6


def test_vault_observed__settlement_moves_assets__no_profit_or_loss() -> None:
    keeper = _keeper()
    keeper.feed(vault(1, state="CUT", epoch=2))
    keeper.block()
    keeper.block()
    keeper.block()

    keeper.feed(vault(2, state="OPEN", epoch=2, idle=100_000 * USDC, accepted_nav=200_000 * USDC))
    for _ in range(4):
        keeper.block()

    assert keeper.state.chain.external == -900_000 * USDC
    assert keeper.state.guard.phase is Phase.ACTIVE
    assert keeper.state.guard.loss.breaches == []


def test_vault_observed__pool_loses_value__trips_the_loss_stop() -> None:
    keeper = _keeper(limits=LIMITS)
    held = vault(1, adapters=(adapter(CLOB), adapter(POOL, value=200_000 * USDC)))
    keeper.feed(held)
    for _ in range(3):
        keeper.block()

    lost = replace(
        held,
        block_number=2,
        block_hash="0xv2",
        adapters=(adapter(CLOB), adapter(POOL, value=190_000 * USDC)),
    )
    keeper.feed(lost)
    for _ in range(4):
        keeper.block()

    assert keeper.state.guard.phase is Phase.EXITING


def test_on_chain_value__pool_allocated_and_deallocated__does_not_change() -> None:
    keeper = _keeper()
    before = vault(1, idle=1_000_000 * USDC)
    allocated = vault(
        2,
        idle=700_000 * USDC,
        adapters=(
            adapter(CLOB, sent=100_000 * USDC),
            adapter(POOL, value=200_000 * USDC, sent=200_000 * USDC),
        ),
    )
    flows = {"sent": 200_000 * USDC, "returned": 50_000 * USDC}
    returned = vault(
        3,
        idle=750_000 * USDC,
        adapters=(
            adapter(CLOB, sent=100_000 * USDC),
            adapter(POOL, value=150_000 * USDC, **flows),
        ),
    )

    values = [on_chain_value(keeper.state, seen) for seen in (before, allocated, returned)]

    assert values == [1_000_000 * USDC] * 3


def test_pool_observed__only_asset__half_is_swapped_with_a_minimum() -> None:
    keeper = _keeper()

    (swap,) = _chain(keeper.feed(pool_seen(1, amount0=200_000 * USDC)))

    assert isinstance(swap, SwapExactIn)
    assert swap.zero_for_one
    assert 99_000 * USDC < swap.amount_in < 101_000 * USDC
    at_mark = swap.amount_in * ONE_WETH // (3_000 * USDC)
    assert at_mark * 994 // 1_000 < swap.amount_out_min < at_mark * 996 // 1_000
    assert swap.deadline == keeper.now // SECOND + 120


def test_pool_observed__balanced_tokens__range_minted_around_the_mark() -> None:
    keeper = _keeper()
    seen = pool_seen(1, amount0=100_000 * USDC, amount1=33_300_000_000_000_000_000)

    (mint,) = _chain(keeper.feed(seen))

    assert isinstance(mint, MintRange)
    assert mint.tick_lower % 10 == 0
    assert mint.tick_upper % 10 == 0
    assert mint.tick_lower <= seen.tick - 1_200 < seen.tick + 1_200 <= mint.tick_upper
    assert mint.amount0_max <= seen.amount0
    assert mint.amount1_max <= seen.amount1
    assert mint.liquidity > 0


def _holding(block: int, **changes: Any) -> PoolObserved:
    """A range around the mark worth about 200,000 and a little idle."""
    spot = pool_seen(block)
    centre = spot.tick // 10 * 10
    held = RangeState(
        tick_lower=centre - 1_200, tick_upper=centre + 1_200, liquidity=30_000_000_000_000_000
    )
    return replace(spot, ranges=(held,), amount0=1_000 * USDC, **changes)


def test_pool_observed__in_band__left_alone() -> None:
    keeper = _keeper()

    assert _chain(keeper.feed(_holding(1))) == []


def test_pool_observed__mark_beyond_recentre__whole_range_burnt_with_minima() -> None:
    keeper = _keeper()

    (burn,) = _chain(keeper.feed(_holding(1, mark_price=3_250 * 10**8)))

    assert isinstance(burn, BurnRange)
    assert burn.liquidity == 30_000_000_000_000_000
    assert burn.amount0_min > 90_000 * USDC
    assert burn.amount1_min > 30 * ONE_WETH


ECONOMICS = PoolEconomics(
    standing_seconds=86_400,
    volume_assets_per_day=10**9 * USDC,
    volatility_ppm=30_000,
    width_ppm=0,
    gas_assets=20 * USDC,
    skew_ticks=0,
)


def test_pool_observed__beyond_recentre_and_fees_pay_for_it__burnt() -> None:
    """A billion a day at 0.05 % and 0.3 % of the liquidity is 1,500 USDC of fees; to arbitrage go
    about 2*1.7 million * 0.03^2/8 = 380."""
    keeper = _keeper(pools=(pool_settings(economics=ECONOMICS),))

    (burn,) = _chain(keeper.feed(_holding(1, mark_price=3_250 * 10**8)))

    assert isinstance(burn, BurnRange)


def test_pool_observed__beyond_recentre_and_fees_do_not_pay__range_stays_and_says_so() -> None:
    quiet = replace(ECONOMICS, volume_assets_per_day=10**8 * USDC)
    keeper = _keeper(pools=(pool_settings(economics=quiet),))

    commands = keeper.feed(_holding(1, mark_price=3_250 * 10**8))

    assert _chain(commands) == []
    (note,) = [each for each in of(commands, NoteRefusal) if each.code == "MOVE_NOT_WORTH"]
    assert 120 * USDC < note.value < 150 * USDC
    assert 340 * USDC < note.limit < 400 * USDC


def test_pool_observed__net_long__range_stands_where_it_sells_base() -> None:
    """Hedged to nothing, the tokens fit the range around the mark. 25 of a largest 100 ether net
    long move it by a quarter of 400 ticks, where it holds less base: some is sold first."""
    leaning = pool_settings(economics=replace(ECONOMICS, skew_ticks=400))
    hedged, long = _keeper(pools=(leaning,)), _keeper(pools=(leaning,))
    seen = pool_seen(1, amount0=100_000 * USDC, amount1=33_300_000_000_000_000_000)
    for keeper, held in ((hedged, -333 * ONE_ETH // 10), (long, -83 * ONE_ETH // 10)):
        sold = Position(quantums=held, quote_balance=-3 * held)
        keeper.state.account.positions["ETH-USD"] = sold

    (level,), (lower,) = (_chain(keeper.feed(seen)) for keeper in (hedged, long))

    assert isinstance(level, MintRange)
    assert isinstance(lower, SwapExactIn)
    assert not lower.zero_for_one
    mark = mark_sqrt_price(leaning, seen)
    moved = centred_ticks(leaning, seen, mark, 100)
    assert moved == (level.tick_lower + 100, level.tick_upper + 100)


def test_pool_observed__cooling_down__waits() -> None:
    keeper = _keeper()
    recent = START_NS // SECOND - 30

    assert _chain(keeper.feed(pool_seen(1, amount0=200_000 * USDC, last_operation_at=recent))) == []


def test_pool_observed__spot_off_the_mark__refused() -> None:
    keeper = _keeper()

    commands = keeper.feed(pool_seen(1, amount0=200_000 * USDC, mark_price=3_100 * 10**8))

    assert _chain(commands) == []
    assert {note.code for note in of(commands, NoteRefusal)} >= {"POOL_OFF_MARK"}


def test_pool_observed__thin_pool__smaller_swap_or_refusal() -> None:
    keeper = _keeper()

    thin = keeper.feed(pool_seen(1, amount0=200_000 * USDC, liquidity=10**16))
    (smaller,) = of(thin, SwapExactIn)
    _mine(keeper, block=1)
    dry = keeper.feed(pool_seen(2, amount0=200_000 * USDC, liquidity=10**12))

    assert 0 < smaller.amount_in < 5_000 * USDC
    assert of(dry, SwapExactIn) == []
    assert {note.code for note in of(dry, NoteRefusal)} >= {"POOL_TOO_THIN"}


def test_pool_observed__feed_without_answer__refused() -> None:
    keeper = _keeper()

    commands = keeper.feed(pool_seen(1, amount0=200_000 * USDC, mark_price=0))

    assert {note.code for note in of(commands, NoteRefusal)} >= {"ZERO_MARK"}


def test_pool_observed__lagging_node__refused() -> None:
    keeper = _keeper()

    old = pool_seen(1, amount0=200_000 * USDC, block_timestamp=START_NS // SECOND - 31)

    assert _chain(keeper.feed(old)) == []


def test_pool_observed__vault_short__capital_freed_step_by_step() -> None:
    keeper = _keeper()
    short = vault(
        1,
        idle=0,
        owed_assets=150_000 * USDC,
        accepted_nav=200_000 * USDC,
        adapters=(adapter(CLOB), adapter(POOL, value=100_000 * USDC)),
    )
    keeper.feed(short)
    home = keeper.state.pools[POOL].home
    _mine(keeper, block=1)

    (burn,) = _chain(keeper.feed(_holding(2)))
    _mine(keeper, block=3)
    freed = pool_seen(3, amount0=60_000 * USDC, amount1=30 * ONE_WETH)
    (swap,) = _chain(keeper.feed(freed))
    _mine(keeper, block=4)
    (back,) = _chain(keeper.feed(pool_seen(4, amount0=home)))

    assert home > 0
    assert isinstance(burn, BurnRange)
    assert 0 < burn.liquidity <= 30_000_000_000_000_000
    assert isinstance(swap, SwapExactIn)
    assert not swap.zero_for_one
    assert back == Deallocate(adapter=POOL, assets=home)


def test_pool_observed__exiting__burnt_then_base_sold() -> None:
    keeper = _keeper()
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))

    (burn,) = _chain(keeper.feed(_holding(1)))
    _mine(keeper, block=2)
    (sell,) = _chain(keeper.feed(pool_seen(2, amount1=3 * ONE_WETH)))
    _mine(keeper, block=3)

    assert isinstance(burn, BurnRange)
    assert isinstance(sell, SwapExactIn)
    assert not sell.zero_for_one
    assert sell.amount_in == 3 * ONE_WETH
    assert _chain(keeper.feed(pool_seen(3, amount0=9_000 * USDC))) == []


def test_pool_observed__exiting_with_losses_spent__base_sold_at_a_fair_price() -> None:
    keeper = _keeper()
    keeper.feed(vault(1, losses_refilled_at=keeper.now // SECOND + 3_600))
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))

    (burn,) = _chain(keeper.feed(_holding(1)))
    _mine(keeper, block=2)
    (sell,) = _chain(keeper.feed(pool_seen(2, amount1=3 * ONE_WETH)))

    assert isinstance(burn, BurnRange)
    assert isinstance(sell, SwapExactIn)
    assert sell.amount_in == 3 * ONE_WETH
    fair = 9_000 * USDC * 9_965 // 10_000  # the mark less 5 bps of fee and 30 bps
    assert 0 < sell.amount_out_min - fair <= 3


def test_pool_observed__wind_down__left_to_the_contract() -> None:
    keeper = _keeper()
    keeper.feed(vault(1, state="WINDDOWN"))

    assert _chain(keeper.feed(pool_seen(1, amount0=200_000 * USDC))) == []


def test_vault_observed__losses_spent__no_new_risk_until_refilled_and_said_once() -> None:
    keeper = _keeper()
    now = START_NS // SECOND
    spent = vault(1, losses_refilled_at=now + 3_600)

    first = keeper.feed(spent)
    again = keeper.feed(replace(spent, block_number=2, block_hash="0xv2"))
    buying = keeper.feed(pool_seen(1, amount0=200_000 * USDC))

    assert _chain(first) == _chain(again) == _chain(buying) == []
    assert [(alert.severity, alert.code) for alert in of(first, RaiseAlert)] == [
        ("warn", "LOSSES_SPENT")
    ]
    assert str(now + 3_600) in of(first, RaiseAlert)[0].text
    assert of(again, RaiseAlert) == []
    assert {note.code for note in of(first + buying, NoteRefusal)} == {"LOSSES_SPENT"}
    assert of(keeper.block(), RaiseAlert) == []


def test_vault_observed__losses_refilled__goes_on_and_a_next_time_is_said() -> None:
    keeper = _keeper()
    now = keeper.now // SECOND
    keeper.feed(vault(1, losses_refilled_at=now + 3_600))

    refilled = keeper.feed(vault(2, losses_refilled_at=keeper.now // SECOND))
    _mine(keeper, block=2)
    spent = keeper.feed(vault(3, losses_refilled_at=now + 7_200))

    assert len(_chain(refilled)) == 2
    assert of(refilled, RaiseAlert) == []
    assert [alert.code for alert in of(spent, RaiseAlert)] == ["LOSSES_SPENT"]


def test_vault_observed__paused__no_new_risk_and_said_once() -> None:
    keeper = _keeper()

    paused = keeper.feed(vault(1, paused_until=START_NS // SECOND + 86_400))

    assert _chain(paused) == []
    assert [alert.code for alert in of(paused, RaiseAlert)] == ["VAULT_PAUSED"]
    assert {note.code for note in of(paused, NoteRefusal)} == {"VAULT_PAUSED"}


def test_pool_observed__losses_spent__range_off_the_mark_is_still_left() -> None:
    keeper = _keeper()
    keeper.feed(vault(1, losses_refilled_at=START_NS // SECOND + 3_600))

    commands = _chain(keeper.feed(_holding(1, mark_price=3_250 * 10**8)))

    assert [type(command) for command in commands] == [BurnRange]


def test_vault_observed__wind_down__exits_pages_and_cannot_be_resumed() -> None:
    keeper = _keeper()
    keeper.feed(vault(1))
    assert keeper.state.orders.working

    ended = keeper.feed(vault(2, state="WINDDOWN"))
    again = keeper.feed(vault(3, state="WINDDOWN"))

    assert keeper.state.guard.phase is Phase.EXITING
    assert [(alert.severity, alert.code) for alert in of(ended, RaiseAlert)] == [
        ("page", "WIND_DOWN")
    ]
    assert of(ended, CancelOrders)
    assert of(again, RaiseAlert) == []
    assert of(keeper.block(), PlaceOrder) == []

    resumed = keeper.feed(OperatorCommand(verb="resume", argument="", operator="me"))

    assert keeper.state.guard.phase is Phase.EXITING
    assert of(resumed, PlaceOrder) == []
    assert {alert.code for alert in of(resumed, RaiseAlert)} == {"WIND_DOWN"}
    assert keeper.state.guard.phase is Phase.EXITING


def test_vault_observed__wind_down_takes_the_money__is_no_loss() -> None:
    keeper = _keeper()
    keeper.feed(vault(1, state="WINDDOWN"))
    before = on_chain_value(keeper.state, _seen(keeper)) - keeper.state.chain.external

    keeper.feed(vault(2, state="WINDDOWN", idle=0))

    assert on_chain_value(keeper.state, _seen(keeper)) - keeper.state.chain.external == before


def _seen(keeper: Keeper) -> VaultObserved:
    assert keeper.state.chain.vault is not None
    return keeper.state.chain.vault


def test_transaction_mined__reverted__tried_again_after_a_growing_pause() -> None:
    keeper = _keeper()
    pauses: list[int] = []
    block = 1
    for _ in range(3):
        assert _chain(keeper.feed(pool_seen(block, amount0=200_000 * USDC)))
        raised = _mine(keeper, block=block, succeeded=False)
        pauses.append(keeper.state.chain.not_before[POOL])
        assert _chain(keeper.feed(pool_seen(block + 1, amount0=200_000 * USDC))) == []
        block = pauses[-1] + 1
        keeper.now += SECOND * pauses[-1]

    assert pauses == [5, 10, 20]
    assert {alert.code for alert in of(raised, RaiseAlert)} == {"CHAIN_FAILS"}


def test_command_result__chain_command_unknown__stays_under_way() -> None:
    keeper = _keeper()
    keeper.feed(pool_seen(1, amount0=200_000 * USDC))
    command = keeper.state.chain.outstanding[POOL].command

    keeper.feed(result(command, "UNKNOWN"))
    still = POOL in keeper.state.chain.outstanding
    keeper.feed(result(command, "REJECTED", 3))

    assert still
    assert POOL not in keeper.state.chain.outstanding
    assert keeper.state.chain.failures[POOL] == 1


def test_pool_observed__base_in_the_range__perpetual_hedges_it() -> None:
    """The target of the perpetual is minus the pool's delta: net delta, not position, is cut."""
    keeper = _keeper()
    keeper.feed(_holding(1))
    delta = net_delta(keeper.state, ETH)

    keeper.block()

    hedges = [o for o in keeper.state.orders.working.values() if o.time_in_force is TimeInForce.IOC]
    assert delta > 30 * 10**9
    assert [order.side for order in hedges] == [Side.SELL]


def test_venue_block__idle_base_in_a_cheap_pool__swap_is_chosen() -> None:
    """Beyond the band, a 1 bp pool is cheaper than the book's 5 bp fee."""
    keeper = _keeper(
        markets=(
            market_settings(
                inventory_band_quote_quantums=2_000 * USDC, hedge_max_slippage_ppm=5_000
            ),
        ),
        allocation=replace(ALLOCATION, min_move_assets=50_000 * USDC),
    )
    keeper.feed(_at(keeper, _small_range(1)))

    commands = keeper.block()

    swaps = of(commands, SwapExactIn)
    hedges = [
        command for command in of(commands, PlaceOrder) if command.time_in_force is TimeInForce.IOC
    ]
    assert hedges == []
    assert len(swaps) == 1
    assert not swaps[0].zero_for_one


def _small_range(block: int) -> PoolObserved:
    """Most of our base lies idle beside a small range in a deep pool of a low fee."""
    spot = pool_seen(block)
    centre = spot.tick // 10 * 10
    held = RangeState(
        tick_lower=centre - 1_200, tick_upper=centre + 1_200, liquidity=100_000_000_000_000
    )
    return replace(spot, ranges=(held,), amount1=2 * ONE_WETH, fee_ppm=100, liquidity=10**19)


def test_command_result__shadow__decided_again_after_a_pause_and_no_failure() -> None:
    keeper = _keeper()
    keeper.feed(BlockSeen(number=1, hash="0xb1", timestamp=keeper.now // SECOND))
    decided = _chain(keeper.feed(vault(1)))
    waiting, keeper.sent = keeper.sent, []
    answers = [result(command_id, "SHADOW") for command_id, _ in waiting]

    assert _chain([command for answer in answers for command in keeper.feed(answer)]) == []
    assert _chain(keeper.feed(vault(60))) == []
    assert _chain(keeper.feed(vault(61))) == decided
    assert keeper.state.chain.failures == {}
