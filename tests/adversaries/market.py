"""Owns two market shocks on the mirrors: a trend through a hedged range, a crash and an exit."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from keeper.accounting.gate import Gate, Held
from keeper.accounting.shares import Pool, Vault, settlement
from keeper.markets import univ3
from tests.adversaries.quorum import DAY, NAV, SHARES, START, VIRTUAL

__all__ = ["Crash", "Trend", "crash_and_exit", "trend_through_a_hedge"]

MINUTES: Final = 30
PRICE_E8: Final = 3_000 * 10**8
LIQUIDITY: Final = 10**16
HALF_WIDTH: Final = 1_000
WETH, USDC = 10**18, 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """In ppm of the book at the start: gamma at the mark, and the rest with the mean as mark."""

    gamma: int
    at_mean: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What a leaver of a tenth was paid, what a tenth was worth after [asset units], cuts held."""

    paid: int
    fair: int
    held: int


def trend_through_a_hedge(trend_bps: int) -> Trend:
    """Thirty minutes; each minute the range's delta is sold on the perpetual, at the feed's."""
    path = [PRICE_E8 + PRICE_E8 * trend_bps * i // (10_000 * MINUTES) for i in range(MINUTES + 1)]
    start = _worth(path[0])
    hedge = sum(-_weth(before) * (after - before) // 10**20 for before, after in pairwise(path))
    gamma = _worth(path[-1]) + hedge - start
    ticks = [univ3.tick_at_sqrt_price(_sqrt(price)) for price in path[1:]]
    mean = univ3.sqrt_price_at_tick(sum(ticks) // len(ticks))
    at_mean = _worth_at(mean) + hedge - start - gamma
    return Trend(gamma=gamma * 10**6 // start, at_mean=at_mean * 10**6 // start)


def crash_and_exit(crash_bps: int) -> Crash:
    """A tenth asks to leave, then the vault loses in the block before the cut; honest reports."""
    gate = Gate(time=START, prices=[(START, (NAV + 1) * 10**36 // (SHARES + VIRTUAL))])
    left = NAV - NAV * crash_bps // 10_000
    vault = Vault(
        virtual=VIRTUAL,
        deposit_cap=0,
        supply=SHARES,
        idle=left,
        accepted=NAV,
        redeems=Pool(total=SHARES // 10),
    )
    held = 0
    while True:
        priced = gate.price(vault, left, left, gate.time + DAY)
        if not isinstance(priced, Held):
            return Crash(paid=settlement(vault, priced).redeem_assets, fair=left // 10, held=held)
        vault.accepted, held = priced.accepted, held + 1


def _sqrt(price_e8: int) -> int:
    """WETH is token0."""
    return univ3.sqrt_price_down(WETH * 10**8, price_e8 * USDC)


def _amounts(sqrt_price: int) -> tuple[int, int]:
    centre = univ3.tick_at_sqrt_price(_sqrt(PRICE_E8)) // 10 * 10
    bounds = [univ3.sqrt_price_at_tick(centre + side * HALF_WIDTH) for side in (-1, 1)]
    return univ3.amounts_down(sqrt_price, bounds[0], bounds[1], LIQUIDITY)


def _weth(price_e8: int) -> int:
    return _amounts(_sqrt(price_e8))[0]


def _worth_at(sqrt_price: int) -> int:
    weth, usdc = _amounts(sqrt_price)
    return usdc + univ3.quote0_in_1_down(weth, sqrt_price)


def _worth(price_e8: int) -> int:
    return _worth_at(_sqrt(price_e8))
