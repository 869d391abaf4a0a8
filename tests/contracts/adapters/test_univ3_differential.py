"""keeper.markets against the real Uniswap v3 pool: the same random actions, equal to the unit."""

import random
from dataclasses import dataclass
from typing import Any

import pytest

from keeper.markets.univ3 import sqrt_price_at_tick, tick_at_sqrt_price
from keeper.markets.univ3_pool import Pool, PositionKey

ETHER = 10**18
MAX_UINT128 = 2**128 - 1
ACTIONS = 40


@dataclass
class Twin:
    """One real pool and its simulation; `payer` is a contract that pays the pool's callbacks."""

    real: Any
    simulated: Pool
    payer: Any
    sender: Any

    def key(self, ticks: tuple[int, int]) -> PositionKey:
        return PositionKey(str(self.payer.address), *ticks)

    def swap(self, zero_for_one: bool, amount: int, limit: int) -> None:
        receipt = self.payer.swap(zero_for_one, amount, limit, sender=self.sender)
        log = next(iter(receipt.decode_logs(self.real.Swap)))
        expected = self.simulated.swap(zero_for_one, amount, limit)
        assert (log.amount0, log.amount1) == expected

    def mint(self, ticks: tuple[int, int], liquidity: int) -> None:
        receipt = self.payer.mint(*ticks, liquidity, sender=self.sender)
        log = next(iter(receipt.decode_logs(self.real.Mint)))
        expected = self.simulated.mint(self.key(ticks), liquidity)
        assert (log.amount0, log.amount1) == expected

    def burn(self, ticks: tuple[int, int], liquidity: int) -> None:
        receipt = self.payer.burn(*ticks, liquidity, sender=self.sender)
        log = next(iter(receipt.decode_logs(self.real.Burn)))
        expected = self.simulated.burn(self.key(ticks), liquidity)
        assert (log.amount0, log.amount1) == expected

    def collect(self, ticks: tuple[int, int]) -> None:
        receipt = self.payer.collect(*ticks, sender=self.sender)
        log = next(iter(receipt.decode_logs(self.real.Collect)))
        assert (log.amount0, log.amount1) == self.simulated.collect(self.key(ticks))

    def assert_same_state(self) -> None:
        slot, mine = self.real.slot0(), self.simulated
        assert (slot.sqrtPriceX96, slot.tick) == (mine.sqrt_price, mine.tick)
        assert self.real.liquidity() == mine.liquidity
        assert self.real.feeGrowthGlobal0X128() == mine.growth0
        assert self.real.feeGrowthGlobal1X128() == mine.growth1


@pytest.fixture(scope="session")
def payer(project: Any, market: Any, issuer: Any) -> Any:
    """A contract that owns positions and pays callbacks from its own balance."""
    world = market.world
    made = issuer.deploy(project.PoolPayer)
    world.weth.deposit(value=2_000 * ETHER, sender=issuer)
    world.weth.transfer(made, 2_000 * ETHER, sender=issuer)
    world.usdc.mint(made, 10**15, sender=issuer)
    return made


@pytest.fixture
def make_twin(market: Any, payer: Any, issuer: Any) -> Any:
    def make(fee: int, spacing: int, sqrt_price: int, fee_protocol: tuple[int, int]) -> Twin:
        world = market.world
        world.factory.createPool(world.weth, world.usdc, fee, sender=issuer)
        address = world.factory.getPool(world.weth, world.usdc, fee)
        real = world.pool.__class__(address, world.pool.contract_type)
        real.initialize(sqrt_price, sender=issuer)
        if any(fee_protocol):
            real.setFeeProtocol(*fee_protocol, sender=issuer)
        payer.use(real, sender=issuer)
        tick = tick_at_sqrt_price(sqrt_price)
        simulated = Pool(
            fee_ppm=fee,
            tick_spacing=spacing,
            sqrt_price=sqrt_price,
            tick=tick,
            fee_protocol0=fee_protocol[0],
            fee_protocol1=fee_protocol[1],
        )
        assert real.slot0().tick == tick
        return Twin(real, simulated, payer, issuer)

    return make


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "fee", "spacing", "fee_protocol"),
    [(1, 3_000, 60, (0, 0)), (2, 10_000, 200, (4, 10)), (3, 3_000, 60, (7, 0))],
)
def test_pool__random_swaps_mints_burns__equal_the_contract(
    make_twin: Any, seed: int, fee: int, spacing: int, fee_protocol: tuple[int, int]
) -> None:
    random_ = random.Random(seed)
    start = random_.randrange(-300, 300) * spacing
    twin = make_twin(
        fee, spacing, sqrt_price_at_tick(start) + random_.randrange(10**6), fee_protocol
    )
    ranges: dict[tuple[int, int], int] = {}
    counts = dict.fromkeys(("swap", "mint", "burn", "collect"), 0)

    for _ in range(ACTIONS):
        action = _choose(random_, ranges)
        counts[action] += 1
        _act(twin, random_, ranges, action)
        twin.assert_same_state()

    for ticks, held in list(ranges.items()):
        twin.burn(ticks, held)
        twin.collect(ticks)
    twin.assert_same_state()
    assert twin.simulated.ticks == {}
    assert min(counts.values()) >= 3, counts


def _choose(random_: random.Random, ranges: dict[tuple[int, int], int]) -> str:
    if not ranges:
        return "mint"
    return random_.choices(("swap", "mint", "burn", "collect"), (5, 2, 2, 2))[0]


def _act(
    twin: Twin, random_: random.Random, ranges: dict[tuple[int, int], int], action: str
) -> None:
    spacing, tick = twin.simulated.tick_spacing, twin.simulated.tick
    if action == "mint":
        centre = (tick // spacing + random_.randrange(-20, 20)) * spacing
        ticks = (
            centre - random_.randrange(0, 30) * spacing,
            centre + random_.randrange(1, 30) * spacing,
        )
        liquidity = random_.randrange(1, 10 ** random_.randrange(3, 14))
        twin.mint(ticks, liquidity)
        ranges[ticks] = ranges.get(ticks, 0) + liquidity
        return
    if action == "swap":
        zero_for_one = random_.random() < 0.5
        amount = random_.randrange(1, 10 ** random_.randrange(2, 13)) * random_.choice((1, -1))
        move = -random_.randrange(1, 3_000) if zero_for_one else random_.randrange(1, 3_000)
        twin.swap(zero_for_one, amount, sqrt_price_at_tick(tick + move - zero_for_one))
        return
    ticks = random_.choice(list(ranges))
    if action == "collect":
        twin.burn(ticks, 0)
        twin.collect(ticks)
        return
    part = random_.randrange(1, ranges[ticks] + 1)
    twin.burn(ticks, part)
    ranges[ticks] -= part
    if ranges[ticks] == 0:
        twin.collect(ticks)
        del ranges[ticks]
