"""Reads, commands and blocks against the real contracts on a real node."""

import asyncio
from collections.abc import Callable

import pytest
from chain_session import Session, nothing_to_log, play, settings
from chain_stage import KEEPER, PRICE_E8, USDC, QuickClock, Stage

from keeper.accounting.pool_leg import PoolLegs, PoolPeriod
from keeper.chain.rpc import JsonRpc
from keeper.chain.vault_chain import EvmVaultChain
from keeper.domain.commands import (
    Allocate,
    BurnRange,
    ChainCommand,
    CloseEpoch,
    Deallocate,
    MintRange,
    SwapExactIn,
    SyncAdapter,
)
from keeper.domain.errors import ChainUnavailable
from keeper.domain.events import (
    BlockReverted,
    BlockSeen,
    CommandResult,
    Event,
    PoolObserved,
    SourceDown,
    SourceUp,
    TransactionMined,
    VaultObserved,
)
from keeper.domain.settings import PoolSettings, StepSettings
from tests.keeper.fakes import risk_limits, run_started

FAR = 2**40


def test_observe__open_vault__equals_the_contract(stage: Stage) -> None:
    async def script(session: Session) -> None:
        await session.until(lambda: session.newest(PoolObserved))

    session = play(stage, script)

    vault = session.newest(VaultObserved)
    assert isinstance(vault, VaultObserved)
    assert vault.state == "OPEN"
    assert vault.idle == stage.vault.idle() == 600_000 * USDC
    assert vault.accepted_nav == stage.vault.acceptedNav()
    assert vault.next_cut_at == stage.vault.nextCutTime()
    assert vault.epoch == stage.vault.cut().epoch
    assert vault.owed_assets == 0
    assert (vault.venue_cap_bps, vault.min_on_chain_bps) == (5_000, 3_000)
    assert [(a.adapter, a.attested) for a in vault.adapters] == [
        (stage.pool_adapter.address, False),
        (stage.clob_adapter.address, True),
    ]
    assert [e.source for e in session.events if isinstance(e, SourceUp)] == [
        "evm",
        "evm:vault",
        f"evm:pool:{stage.pool_adapter.address}",
    ]


def test_observe__pool__equals_pool_feed_and_adapter(stage: Stage) -> None:
    async def script(session: Session) -> None:
        await session.until(lambda: session.newest(PoolObserved))

    session = play(stage, script)

    pool = session.newest(PoolObserved)
    slot0 = stage.pool.slot0()
    assert isinstance(pool, PoolObserved)
    assert (pool.sqrt_price_x96, pool.tick) == (slot0.sqrtPriceX96, slot0.tick)
    assert pool.twap_tick == stage.pool_adapter.twapTick()
    assert pool.liquidity == stage.pool.liquidity()
    assert (pool.tick_spacing, pool.fee_ppm) == (10, 500)
    assert (pool.mark_price, pool.mark_decimals) == (PRICE_E8, 8)
    assert (pool.amount0, pool.amount1, pool.ranges) == (0, 0, ())


def test_submit__whole_life_of_a_range__each_command_lands(stage: Stage) -> None:
    adapter = stage.pool_adapter
    usdc_is_0 = stage.pool.token0() == stage.usdc.address
    centre = stage.pool.slot0().tick // 10 * 10
    ticks = {"tick_lower": centre - 1_000, "tick_upper": centre + 1_000}

    receipts: list[TransactionMined] = []

    async def script(session: Session) -> None:
        async def lands(command: ChainCommand) -> None:
            result = await session.command(command)
            assert isinstance(result, TransactionMined), result
            assert result.succeeded
            receipts.append(result)

        await lands(Allocate(adapter=adapter.address, assets=200_000 * USDC))
        await lands(
            SwapExactIn(
                adapter=adapter.address,
                zero_for_one=usdc_is_0,
                amount_in=6_000 * USDC,
                amount_out_min=1,
                deadline=FAR,
            )
        )
        stage.pass_time(61)
        await lands(
            MintRange(
                adapter=adapter.address,
                **ticks,
                liquidity=10**15,
                amount0_max=2**128 - 1,
                amount1_max=2**128 - 1,
                deadline=FAR,
            )
        )
        minted = await session.until(_with_ranges(session, 1))
        assert isinstance(minted, PoolObserved)
        assert minted.ranges[0].liquidity == 10**15
        stage.pass_time(61)
        await lands(
            BurnRange(
                adapter=adapter.address,
                **ticks,
                liquidity=10**15,
                amount0_min=0,
                amount1_min=0,
                deadline=FAR,
            )
        )
        await lands(SyncAdapter(adapter=adapter.address))

    play(stage, script)

    assert list(stage.pool_adapter.ranges()) == []
    effects = [effect for receipt in receipts for effect in receipt.effects]
    assert [e.kind for e in effects] == ["allocate", "swap", "mint", "burn"]
    assert {e.adapter for e in effects} == {adapter.address}
    flows = (200_000 * USDC, 0) if usdc_is_0 else (0, 200_000 * USDC)
    told = [flows[n] + sum((e.amount0, e.amount1)[n] for e in effects) for n in (0, 1)]
    assert told == list(adapter.balances())


def test_ledger__operations_and_a_moving_mark__values_the_pool_as_the_adapter_does(
    stage: Stage,
) -> None:
    adapter = stage.pool_adapter.address
    usdc_is_0 = stage.pool.token0() == stage.usdc.address
    centre = stage.pool.slot0().tick // 10 * 10

    async def script(session: Session) -> None:
        async def seen(block: int) -> None:
            # Anvil may answer for its head from the block it is just mining: read before it does.
            await session.until(_pool_at(session, block))

        async def lands(command: ChainCommand) -> None:
            result = await session.command(command)
            assert isinstance(result, TransactionMined), result
            assert result.succeeded
            await seen(result.block_number)

        await session.until(lambda: session.newest(PoolObserved))
        await lands(Allocate(adapter=adapter, assets=200_000 * USDC))
        await lands(
            SwapExactIn(
                adapter=adapter,
                zero_for_one=usdc_is_0,
                amount_in=6_000 * USDC,
                amount_out_min=1,
                deadline=FAR,
            )
        )
        stage.pass_time(61)
        await seen(stage.chain.blocks.head.number)
        await lands(
            MintRange(
                adapter=adapter,
                tick_lower=centre - 1_000,
                tick_upper=centre + 1_000,
                liquidity=10**15,
                amount0_max=2**128 - 1,
                amount1_max=2**128 - 1,
                deadline=FAR,
            )
        )
        stage.feed.push(PRICE_E8 * 101 // 100, sender=stage.issuer)
        await seen(stage.chain.blocks.head.number)
        await lands(Deallocate(adapter=adapter, assets=50_000 * USDC))

    session = play(stage, script)

    periods = _periods(stage, session.events, usdc_is_0)
    bids = {
        event.block_number: event.adapters[0].value_bid
        for event in session.events
        if isinstance(event, VaultObserved)
    }
    assert {p.to_block: p.closing_value for p in periods} == {
        p.to_block: bids[p.to_block] for p in periods
    }
    flows = [p.flow for p in periods if p.flow]
    assert flows == [200_000 * USDC, -50_000 * USDC]
    assert [p.profit for p in periods if p.flow] == [0, 0]
    swapped, minted = (p.execution for p in periods if p.execution)
    assert -10 * USDC < swapped < -3 * USDC  # 5 bp, and the price it moved
    assert -USDC < minted < 0  # the swap left the pool a little off the mark
    assert [p.inventory > 0 for p in periods if p.inventory] == [True]


def _periods(stage: Stage, events: list[Event], usdc_is_0: bool) -> list[PoolPeriod]:
    pool = PoolSettings(
        adapter=stage.pool_adapter.address,
        pool=stage.pool.address,
        hedge_market="ETH-USD",
        asset_is_token0=usdc_is_0,
        asset_decimals=6,
        base_decimals=18,
        half_width_ticks=600,
        recentre_ticks=300,
        max_slippage_ppm=5_000,
        snapshot_max_age_ms=10_000,
        cooldown_seconds=60,
    )
    step = StepSettings(markets=(), pools=(pool,), allocation=None, limits=risk_limits())
    legs = PoolLegs()
    for event in (run_started(step), *events):
        legs.apply(event)
    return list(legs.periods(pool.adapter))


def _pool_at(session: Session, block: int) -> Callable[[], Event | None]:
    def found() -> Event | None:
        event = session.newest(PoolObserved)
        return event if isinstance(event, PoolObserved) and event.block_number >= block else None

    return found


def _with_ranges(session: Session, count: int) -> Callable[[], Event | None]:
    def found() -> Event | None:
        event = session.newest(PoolObserved)
        return event if isinstance(event, PoolObserved) and len(event.ranges) == count else None

    return found


def test_submit__clob_leg__sent_and_asked_home(stage: Stage) -> None:
    adapter = stage.clob_adapter.address

    async def script(session: Session) -> None:
        sent = await session.command(Allocate(adapter=adapter, assets=100_000 * USDC))
        asked = await session.command(Deallocate(adapter=adapter, assets=30_000 * USDC))
        assert isinstance(sent, TransactionMined)
        assert isinstance(asked, TransactionMined)
        seen = await session.vault_at(asked.block_number)
        assert (seen.idle, seen.adapters[1].sent) == (500_000 * USDC, 100_000 * USDC)

    play(stage, script)

    assert stage.clob_adapter.returnRequested() == 30_000 * USDC


def test_submit__above_the_venue_cap__refused_by_name_and_no_nonce_used(stage: Stage) -> None:
    async def script(session: Session) -> None:
        command = Allocate(adapter=stage.clob_adapter.address, assets=300_001 * USDC)
        result = await session.command(command)

        assert isinstance(result, CommandResult)
        assert (result.outcome, result.codespace) == ("REJECTED", "evm")
        assert result.detail == f"VenueCapExceeded({300_001 * USDC}, {300_000 * USDC})"
        assert await session.rpc.call("eth_getTransactionCount", KEEPER.address, "pending") == "0x0"

    play(stage, script)


def test_submit__early_cut__refused_with_the_earliest_time(stage: Stage) -> None:
    async def script(session: Session) -> None:
        result = await session.command(CloseEpoch(epoch=2))

        assert isinstance(result, CommandResult)
        assert result.detail == f"TooEarly({stage.vault.nextCutTime()})"

    play(stage, script)


def test_observe__dead_feed__vault_marked_down_with_the_reason(stage: Stage) -> None:
    adapter = stage.pool_adapter.address

    async def script(session: Session) -> None:
        await session.command(Allocate(adapter=adapter, assets=200_000 * USDC))
        swapped = await session.command(
            SwapExactIn(
                adapter=adapter,
                zero_for_one=stage.pool.token0() == stage.usdc.address,
                amount_in=6_000 * USDC,
                amount_out_min=1,
                deadline=FAR,
            )
        )
        assert isinstance(swapped, TransactionMined)
        stage.chain.mine(deltatime=5_000)
        await session.until(lambda: session.newest(SourceDown))

    session = play(stage, script)

    down = session.newest(SourceDown)
    assert isinstance(down, SourceDown)
    assert down.source == "evm:vault"
    assert "FeedTooOld" in down.detail
    assert not isinstance(session.events[-1], VaultObserved)


def test_run__reorganisation__reverted_blocks_named_and_new_ones_seen(stage: Stage) -> None:
    async def script(session: Session) -> None:
        first = await session.until(lambda: session.newest(BlockSeen))
        fork = await session.rpc.call("evm_snapshot")
        stage.chain.mine(2)
        await session.until(lambda: _other(session.newest(BlockSeen), first))
        await session.rpc.call("evm_revert", fork)
        stage.chain.mine(3, deltatime=77)
        await session.until(lambda: session.newest(BlockReverted))

    session = play(stage, script)

    seen = [(e.number, e.hash) for e in session.events if isinstance(e, BlockSeen)]
    reverted = [(e.number, e.hash) for e in session.events if isinstance(e, BlockReverted)]
    canonical = [block for block in seen if block not in reverted]
    assert set(reverted) <= set(seen)
    assert [number for number, _ in canonical] == sorted({number for number, _ in seen})
    assert canonical[-1] == (stage.chain.blocks.head.number, _hex(stage.chain.blocks.head.hash))


def _hex(value: bytes) -> str:
    return "0x" + bytes(value).hex()


def _other(event: Event | None, known: Event) -> Event | None:
    return event if event != known else None


def test_check__wrong_chain_id__refused_with_both(stage: Stage) -> None:
    async def script() -> None:
        async with JsonRpc(stage.url) as rpc:
            await rpc.check_chain(1)

    with pytest.raises(ChainUnavailable, match=r"serves chain \d+, expected 1"):
        stage.run(script())


def test_run__nobody_listens__source_down_then_up_elsewhere(stage: Stage) -> None:
    async def script() -> list[Event]:
        events: list[Event] = []
        rpc = JsonRpc("http://127.0.0.1:9")
        chain = EvmVaultChain(
            rpc, KEEPER, settings(stage), clock=QuickClock(), logged=nothing_to_log
        )
        task = asyncio.create_task(chain.run(events.append))
        async with asyncio.timeout(10):
            while not events:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await chain.close()
        return events

    events = stage.run(script())

    assert isinstance(events[0], SourceDown)
    assert events[0].source == "evm"
    assert len(events) == 1
