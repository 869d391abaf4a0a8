"""Rarer paths of the core: what is missing, reverted, foreign, cooling or too small to act on."""

from typing import Any

from msgspec.structs import replace

from keeper.core.capital import manage_vault
from keeper.core.hedging import flattening_limit
from keeper.core.placing import place_quotes, send_order
from keeper.core.pools import manage_pool
from keeper.core.quoting import desired_quotes
from keeper.domain.commands import (
    Allocate,
    BurnRange,
    CancelOrders,
    Deallocate,
    MintRange,
    NoteRefusal,
    PlaceOrder,
    RaiseAlert,
    SwapExactIn,
)
from keeper.domain.events import (
    BlockReverted,
    BlockSeen,
    MarketListed,
    OperatorCommand,
    RangeState,
    SourceDown,
    TransactionMined,
)
from keeper.domain.orders import Liquidity, Side, TimeInForce
from keeper.risk.phase import Phase
from tests.keeper.builders import (
    ALLOCATION,
    CLOB,
    LIMITS,
    ONE_ETH,
    POOL,
    SECOND,
    START_HEIGHT,
    START_NS,
    USDC,
    Keeper,
    adapter,
    fill,
    market_settings,
    of,
    pool_seen,
    pool_settings,
    settings,
    subaccount,
    vault,
)
from tests.keeper.markets import BTC, ETH

ONE_WETH = 10**18


def _keeper(**changes: Any) -> Keeper:
    chosen = replace(settings(pools=(pool_settings(),), allocation=ALLOCATION), **changes)
    keeper = Keeper(chosen)
    keeper.start()
    keeper.answer()
    return keeper


def _ioc(keeper: Keeper) -> list[PlaceOrder]:
    return [o for o in keeper.places() if o.time_in_force is TimeInForce.IOC]


def test_block_seen__older_number__head_stays_until_reverted() -> None:
    keeper = _keeper()
    keeper.feed(BlockSeen(number=5, hash="0x5", timestamp=1))
    keeper.feed(BlockSeen(number=4, hash="0x4", timestamp=1))
    before = keeper.state.chain.head_number

    keeper.feed(BlockReverted(number=5, hash="0x5"))

    assert before == 5
    assert keeper.state.chain.head_number == 4


def test_pool_observed__block_reverted__older_one_taken_again() -> None:
    keeper = _keeper()
    keeper.feed(pool_seen(7))
    keeper.feed(pool_seen(6, amount0=1))
    ignored = keeper.state.pools[POOL].seen

    keeper.feed(BlockReverted(number=7, hash="0xp7"))
    keeper.feed(pool_seen(6, amount0=1))
    taken = keeper.state.pools[POOL].seen

    assert ignored is not None
    assert ignored.block_number == 7
    assert taken is not None
    assert taken.block_number == 6


def test_pool_observed__foreign_adapter__ignored() -> None:
    keeper = _keeper()

    assert keeper.feed(replace(pool_seen(1), adapter="0xother")) == []
    assert manage_pool(keeper.state, POOL, ALLOCATION, []) == []


def test_source_down__oracle_lost__price_stale_at_once() -> None:
    keeper = _keeper()

    commands = keeper.feed(SourceDown(source="oracle", detail="lost"))

    assert len(of(commands, CancelOrders)) == 1
    assert keeper.state.markets["ETH-USD"].oracle_t_ns == -1


def test_source_down__chain_lost__quotes_stay() -> None:
    keeper = _keeper()

    assert keeper.feed(SourceDown(source="evm:vault", detail="lost")) == []


def test_fill_received__taken__fee_is_learnt() -> None:
    keeper = _keeper()
    order = PlaceOrder(
        market="ETH-USD",
        client_id=1,
        side=Side.BUY,
        quantums=ONE_ETH,
        subticks=3_000_000_000,
        good_til_block=1,
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
    )
    taken = fill(1, order, ONE_ETH, START_HEIGHT + 1, liquidity=Liquidity.TAKER)

    keeper.feed(replace(taken, fee_quote_quantums=taken.quote_quantums * 350 // 1_000_000))

    assert keeper.state.markets["ETH-USD"].taker_fee_ppm == 350


def test_operator__unknown_phase_or_market__nothing_changes() -> None:
    keeper = _keeper()

    keeper.feed(OperatorCommand(verb="set", argument="nonsense", operator="me"))
    keeper.feed(OperatorCommand(verb="pause", argument="DOGE-USD", operator="me"))

    assert keeper.state.guard.phase is Phase.ACTIVE
    assert not keeper.state.markets["ETH-USD"].paused


def test_operator__one_market_resumed__phase_stays() -> None:
    keeper = _keeper()
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))

    keeper.feed(OperatorCommand(verb="resume", argument="ETH-USD", operator="engine"))

    assert keeper.state.guard.phase is Phase.EXITING


def test_venue_block__exiting_without_a_price__not_flattened_blindly() -> None:
    keeper = Keeper()
    keeper.start(ETH=-ONE_ETH)
    keeper.answer()
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))
    keeper.feed(SourceDown(source="oracle", detail="lost"))
    keeper.sent.clear()

    keeper.block()

    assert _ioc(keeper) == []


def test_flattening_limit__long__is_the_slippage_below_the_oracle() -> None:
    keeper = Keeper(settings(markets=(market_settings(hedge_max_slippage_ppm=3_000),)))
    keeper.start(ETH=ONE_ETH)

    assert flattening_limit(keeper.state, "ETH-USD") == 2_991 * 10**6


def test_flattening_limit__flat__is_none() -> None:
    keeper = Keeper()
    keeper.start()

    assert flattening_limit(keeper.state, "ETH-USD") is None


def test_venue_block__exiting_but_pool_still_held__hedge_stays_and_no_end_is_said() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))
    keeper.start(ETH=-ONE_ETH)
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))
    held = RangeState(tick_lower=190_000, tick_upper=200_000, liquidity=10**15)
    keeper.feed(pool_seen(1, ranges=(held,), amount1=ONE_WETH))
    keeper.sent.clear()

    commands = keeper.block(20)

    assert _ioc(keeper) == []
    assert of(commands, RaiseAlert) == []


def test_transaction_mined__after_failures__counts_from_zero_again() -> None:
    keeper = _keeper()
    keeper.state.chain.failures[POOL] = 3
    keeper.feed(pool_seen(1, amount0=200_000 * USDC))
    command = keeper.state.chain.outstanding[POOL].command
    receipt = TransactionMined(
        command=command,
        tx_hash="0x",
        block_number=2,
        block_hash="0xb2",
        succeeded=True,
        gas_used=1,
        effective_gas_price=1,
        final=True,
    )
    keeper.state.guard.noted[f"CHAIN_FAILS:{POOL}"] = 1

    keeper.feed(receipt)

    assert keeper.state.chain.failures == {}
    assert f"CHAIN_FAILS:{POOL}" not in keeper.state.guard.noted


def test_vault_observed__account_unknown__epoch_only() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))

    commands = keeper.feed(vault(1))

    assert of(commands, Allocate) == []
    assert manage_vault(keeper.state, ALLOCATION, 0, []) == []


def test_vault_observed__clob_adapter_not_wired__no_transfer() -> None:
    keeper = _keeper()

    assert of(keeper.feed(vault(1, adapters=(adapter(POOL),))), Allocate) == []


def _of_one_pool() -> Keeper:
    """A keeper of a vault without an order-book leg, whose venue account does not exist."""
    alone = replace(ALLOCATION, clob_adapter=None, clob_target_ppm=0)
    pool = pool_settings(hedge_market="none")
    return Keeper(settings(markets=(), pools=(pool,), allocation=alone))


def test_vault_observed__no_order_book_leg__pool_gets_its_share_and_no_venue_is_asked() -> None:
    keeper = _of_one_pool()

    commands = keeper.feed(vault(1, adapters=(adapter(POOL),)))

    assert {command.adapter for command in of(commands, Allocate)} == {POOL}


def test_vault_observed__no_order_book_leg__shortage_is_the_pools_alone() -> None:
    keeper = _of_one_pool()
    short = vault(
        1,
        idle=0,
        accepted_nav=300_000 * USDC,
        owed_assets=250_000 * USDC,
        adapters=(adapter(POOL, value=300_000 * USDC),),
    )

    commands = keeper.feed(short)

    assert of(commands, Deallocate) == []
    assert keeper.state.pools[POOL].home == 250_000 * USDC


def test_vault_observed__shortage_of_the_pool__told_to_it_and_not_asked_here() -> None:
    keeper = _keeper()
    short = vault(
        1,
        idle=0,
        accepted_nav=300_000 * USDC,
        owed_assets=250_000 * USDC,
        adapters=(adapter(CLOB), adapter(POOL, value=200_000 * USDC)),
    )

    commands = keeper.feed(short)

    assert {command.adapter for command in of(commands, Deallocate)} == {CLOB}
    assert keeper.state.pools[POOL].home > 0


def test_pool_observed__wanted_home_but_empty__what_is_there_or_nothing() -> None:
    keeper = _keeper()
    keeper.feed(pool_seen(1))
    keeper.state.pools[POOL].home = 100 * USDC

    nothing = keeper.feed(pool_seen(2))
    something = keeper.feed(pool_seen(3, amount0=60 * USDC))

    assert of(nothing, Deallocate) == []
    assert of(something, Deallocate) == [Deallocate(adapter=POOL, assets=60 * USDC)]


def test_pool_observed__reducing__nothing_new() -> None:
    keeper = _keeper()
    keeper.feed(OperatorCommand(verb="set", argument="reducing", operator="me"))

    commands = keeper.feed(pool_seen(1, amount0=200_000 * USDC))

    assert of(commands, SwapExactIn) == []
    assert of(commands, MintRange) == []


def test_pool_observed__range_held_and_idle_tokens__added_to_the_same_range() -> None:
    keeper = _keeper(
        markets=(market_settings(max_position_quote_quantums=500_000 * USDC),),
        limits=replace(LIMITS, daily_loss_quote_quantums=50_000 * USDC),
    )
    spot = pool_seen(1)
    centre = spot.tick // 10 * 10
    held = RangeState(tick_lower=centre - 1_200, tick_upper=centre + 1_200, liquidity=10**15)
    seen = replace(spot, ranges=(held,), amount0=30_000 * USDC, amount1=10 * ONE_WETH)

    (mint,) = of(keeper.feed(seen), MintRange)

    assert (mint.tick_lower, mint.tick_upper) == (held.tick_lower, held.tick_upper)


def test_pool_observed__three_units_of_dust__no_range_made_of_it() -> None:
    keeper = _keeper(allocation=replace(ALLOCATION, min_move_assets=1))

    commands = keeper.feed(pool_seen(1, amount0=3))

    assert of(commands, BurnRange) == []
    assert of(commands, MintRange) == []


def test_venue_block__short_delta_and_idle_asset__base_bought_in_the_pool() -> None:
    keeper = Keeper(
        settings(
            markets=(market_settings(inventory_band_quote_quantums=2_000 * USDC),),
            pools=(pool_settings(),),
            allocation=replace(ALLOCATION, min_move_assets=50_000 * USDC),
        )
    )
    keeper.start(ETH=-3 * ONE_ETH)
    keeper.answer()
    spot = pool_seen(1, fee_ppm=100)
    centre = spot.tick // 10 * 10
    held = RangeState(tick_lower=centre - 1_200, tick_upper=centre + 1_200, liquidity=10**14)
    keeper.feed(replace(spot, ranges=(held,), amount0=9_000 * USDC))
    keeper.state.chain.last_gas_wei = 10**13

    (swap,) = of(keeper.block(), SwapExactIn)

    assert swap.zero_for_one
    assert 7_000 * USDC < swap.amount_in < 9_000 * USDC


def test_venue_block__pool_busy_or_elsewhere__only_the_book_is_left() -> None:
    keeper = Keeper(
        settings(
            markets=(market_settings(inventory_band_quote_quantums=2_000 * USDC),),
            pools=(
                pool_settings(adapter="0xother", hedge_market="BTC-USD"),
                pool_settings(),
            ),
            allocation=replace(ALLOCATION, min_move_assets=50_000 * USDC),
        )
    )
    keeper.start(ETH=-3 * ONE_ETH)
    keeper.answer()
    held = RangeState(tick_lower=194_000, tick_upper=198_000, liquidity=10**14)
    keeper.feed(pool_seen(1, ranges=(held,), amount0=9_000 * USDC))
    keeper.feed(BlockReverted(number=1, hash="0xp1"))

    commands = keeper.block()

    assert of(commands, SwapExactIn) == []
    assert len(_ioc(keeper)) == 1


def test_market_listed__not_configured__listed_and_not_quoted() -> None:
    keeper = _keeper()

    keeper.feed(MarketListed(market=BTC))

    assert desired_quotes(keeper.state, "BTC-USD", LIMITS) == ({}, [])
    assert place_quotes(keeper.state, "BTC-USD", {}, []) == []
    order = PlaceOrder(
        market="BTC-USD",
        client_id=1,
        side=Side.BUY,
        quantums=1,
        subticks=1,
        good_til_block=1,
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
    )
    refused = send_order(keeper.state, order, "", [])
    assert refused is not None
    assert refused.code == "MARKET_UNKNOWN"


def test_venue_block__ids_of_all_hedges__differ() -> None:
    keeper = Keeper(
        settings(markets=(market_settings(inventory_band_quote_quantums=2_000 * USDC),))
    )
    keeper.start(ETH=15 * ONE_ETH)
    keeper.answer()
    seen: set[int] = set()
    for _ in range(12):
        keeper.block()
        seen |= {order.client_id for order in _ioc(keeper)}
        keeper.answer()

    assert len(seen) >= 3


def test_vault_observed__late_in_wall_time__noted_once() -> None:
    keeper = _keeper()
    old = vault(1, block_timestamp=START_NS // SECOND - 61)

    first = of(keeper.feed(old), NoteRefusal)
    again = of(keeper.feed(replace(old, block_number=2, block_hash="0xv2")), NoteRefusal)

    assert {note.code for note in first} == {"STALE_VAULT"}
    assert again == []


def test_equity__position_of_an_unlisted_market__unknown() -> None:
    keeper = _keeper()

    keeper.feed(subaccount(height=START_HEIGHT + 1, DOGE=5))

    assert ETH.ticker in keeper.state.markets
    assert "ACCOUNT_UNKNOWN:ETH-USD" in keeper.state.guard.active["ETH-USD"]
