"""A pool without a feed, on a real node: its mark is a mean, and the doctor says so."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from chain_stage import Stage

from keeper.chain.calls import block_of
from keeper.chain.pool import open_pool
from keeper.chain.rpc import JsonRpc
from keeper.doctor.rows import Finding, Status
from keeper.doctor.vault import vault_probes
from keeper.domain.events import PoolObserved
from keeper.domain.settings import PoolSettings
from keeper.markets.ranges import mark_sqrt_price
from scripts._deploy.chain import npm_contract

DAY = 86_400
LIMITS = (0, 300, 60, 30, 2)
NOBODY = "0x" + "00" * 20
CORE = "@uniswap/v3-core/artifacts/contracts"


@pytest.fixture
def feedless(stage: Stage, project: Any) -> Any:
    """An adapter of the stage's vault and pool without a feed; not wired."""
    return stage.issuer.deploy(project.UniswapV3Adapter, stage.vault, stage.pool, NOBODY, LIMITS)


@pytest.fixture
def young(stage: Stage, project: Any) -> Any:
    """The same of a pool that was opened half an hour ago."""
    uniswap = npm_contract(f"{CORE}/UniswapV3Factory.sol/UniswapV3Factory.json")
    known = uniswap.at(stage.pool.factory())
    tokens = (stage.pool.token0(), stage.pool.token1(), 3_000)
    known.createPool(*tokens, sender=stage.issuer)
    pool = npm_contract(f"{CORE}/UniswapV3Pool.sol/UniswapV3Pool.json").at(known.getPool(*tokens))
    pool.initialize(stage.pool.slot0().sqrtPriceX96, sender=stage.issuer)
    pool.increaseObservationCardinalityNext(2, sender=stage.issuer)
    stage.pass_time(1_800)
    return stage.issuer.deploy(project.UniswapV3Adapter, stage.vault, pool, NOBODY, LIMITS)


def _observe(stage: Stage, adapter: Any) -> PoolObserved:
    async def script() -> PoolObserved:
        async with JsonRpc(stage.url) as rpc:
            reader = await open_pool(rpc, adapter.address, stage.pool.address)
            head = await rpc.call("eth_getBlockByNumber", "latest", False)
            return await reader.observe(block_of(head))

    return stage.run(script())


def _doctor(stage: Stage, adapter: Any) -> Finding:
    async def script() -> Finding:
        async with JsonRpc(stage.url) as rpc:
            pool = SimpleNamespace(adapter=adapter.address, pool=adapter.pool())
            site = SimpleNamespace(rpc=rpc, config=SimpleNamespace(pools=[pool]))
            probes = {probe.id: probe for probe in vault_probes(cast(Any, site))}
            (finding,) = await probes["pool.oracle"].run()
            return finding

    return stage.run(script())


def test_observe__pool_without_a_feed__is_marked_at_its_half_hour_mean(
    stage: Stage, feedless: Any
) -> None:
    usdc_is_0 = stage.pool.token0() == stage.usdc.address

    seen = _observe(stage, feedless)

    pool = PoolSettings(
        adapter=feedless.address,
        pool=stage.pool.address,
        hedge_market="",
        asset_is_token0=usdc_is_0,
        asset_decimals=6,
        base_decimals=18,
        half_width_ticks=600,
        recentre_ticks=300,
        max_slippage_ppm=5_000,
        snapshot_max_age_ms=10_000,
        cooldown_seconds=60,
    )
    price = 1.0001 ** (-seen.twap_tick if usdc_is_0 else seen.twap_tick) * 10**12
    assert seen.feedless
    assert seen.twap_tick == feedless.twapTick()
    assert mark_sqrt_price(pool, seen) == feedless.markSqrtPriceX96()
    assert seen.mark_price / 10**seen.mark_decimals == pytest.approx(price, rel=1e-9)
    assert 2_900 < price < 3_100
    assert seen.mark_updated_at == seen.block_timestamp


def test_observe__pool_with_a_feed__is_not_feedless(stage: Stage) -> None:
    assert not _observe(stage, stage.pool_adapter).feedless


def test_doctor__pool_without_a_feed__says_how_it_is_valued_and_whether_it_can_be(
    stage: Stage, young: Any
) -> None:
    early = _doctor(stage, young)
    stage.pass_time(DAY)

    late = _doctor(stage, young)

    text = "feedless: valued by 30 min and 24 h TWAP"
    assert (early.status, early.found) == (Status.FAIL, f"{text}; its 24 hours are not covered")
    assert late.status is Status.OK
    assert late.found == f"{text}; 24 hours of prices are covered, 2 observations kept"
