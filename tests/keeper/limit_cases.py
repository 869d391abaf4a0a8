"""Random states to judge limits on: drawn as plain dicts, put into the keeper's types."""

import random
from typing import Any

from msgspec.structs import asdict

from keeper.core.bounds import bounds_of
from keeper.core.state import MarketState, initial_state
from keeper.core.views import allowance
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Allocate, BurnRange, MintRange, PlaceOrder, SwapExactIn
from keeper.domain.events import RangeState, VaultObserved
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.settings import RiskLimits
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.markets.book import Book
from keeper.markets.perpetual import fill_cost
from keeper.markets.univ3 import sqrt_price_at_tick, sqrt_price_down, tick_at_sqrt_price
from keeper.risk.chain import (
    Allowance,
    PoolView,
    VaultView,
    approve_allocate,
    approve_pool,
)
from keeper.risk.exposure import MarketExposure
from keeper.risk.orders import OrderView, approve_place
from keeper.risk.phase import Phase
from keeper.risk.pools import PoolRisk
from keeper.risk.stress import hedge_need, stress_loss
from tests.keeper.builders import (
    CLOB,
    POOL,
    START_NS,
    USDC,
    market_settings,
    pool_seen,
    pool_settings,
    settings,
    vault,
)
from tests.keeper.markets import BTC, ETH

Case = dict[str, Any]
Verdict = Approved[Any] | Refused

NOW = START_NS // NS_PER_SECOND
PRICES = {"ETH-USD": 3_000 * 10**6, "BTC-USD": 60_000 * 10**5}


def _seldom(rng: random.Random, common: Any, *others: Any, part: float = 0.03) -> Any:
    return rng.choice(others) if rng.random() < part else common


def _limits(rng: random.Random) -> Case:
    """Limits of which most leave room most of the time, and each binds now and then."""
    return {
        "max_order_quote_quantums": rng.choice((6_000, 12_000, 50_000)) * USDC,
        "max_gross_quote_quantums": rng.choice((30_000, 90_000, 300_000)) * USDC,
        "price_band_ppm": rng.choice((8_000, 30_000, 100_000)),
        "daily_loss_quote_quantums": rng.choice((500, 2_000, 9_000, 40_000)) * USDC,
        "drawdown_ppm": 100_000,
        "max_messages_per_block": rng.choice((5, 40, 40)),
        "max_intent_age_ms": 2_000,
        "max_height_age_ms": 10_000,
        "max_clock_skew_ms": 5_000,
        "stress_shock_ppm": rng.choice((0, 100_000, 200_000, 200_000)),
        "stress_loss_multiple": rng.choice((1, 3)),
        "hedge_shock_ppm": rng.choice((0, 250_000, 250_000, 900_000)),
        "max_lp_quote_quantums": rng.choice((0, 20_000, 100_000)) * USDC,
        "max_open_interest_ppm": rng.choice((0, 0, 20_000)),
        "max_volume_ppm": rng.choice((0, 0, 50_000)),
        "depth_refills": rng.choice((0, 0, 3, 20)),
        "depth_band_ppm": 20_000,
        "max_market_facts_age_ms": 900_000,
        "max_funding_ppm_per_day": rng.choice((0, 0, 100, 2_000)),
        "other_venue_band_ppm": rng.choice((0, 0, 10_000, 40_000)),
        "loss_window_minutes": 60,
        "loss_window_quote_quantums": 0,
        "max_report_age_seconds": rng.choice((0, 518_400)),
        "max_depeg_ppm": rng.choice((0, 10_000)),
        "max_asset_price_age_seconds": 90_000,
        "max_base_fee_wei": rng.choice((0, 50 * 10**9)),
    }


def _held(rng: random.Random, market: PerpetualMarket) -> Case:
    price = PRICES[market.ticker] * rng.randint(900, 1_100) // 1_000 + rng.randint(0, 999)
    unit = 10**-market.atomic_resolution // (20 if market is BTC else 1)
    pool = rng.choice((0, 0, rng.randint(0, 12 * unit)))
    low = rng.randint(0, pool) if pool else 0
    return {
        "market": asdict(market),
        "price": price,
        "position": rng.choice((0, -pool, rng.randint(-15 * unit, 15 * unit))),
        "pool": pool,
        "pool_low": low,
        "pool_high": pool + (rng.randint(0, pool) if pool else 0),
        "orders": [_order(rng, market, price) for _ in range(rng.randint(0, 4))],
    }


def _order(rng: random.Random, market: PerpetualMarket, price: int) -> Case:
    middle = market.subticks_down(price)
    away = rng.choice((500, 5_000, 40_000))
    subticks = middle + middle * rng.randint(-away, away) // 1_000_000
    most = 4_000 if market is ETH else 2_000
    return {
        "side": rng.choice(("BUY", "SELL")),
        "quantums": market.step_base_quantums * rng.randint(1, most),
        "subticks": max(1, subticks - subticks % market.subticks_per_tick),
    }


def order_case(rng: random.Random) -> Case:
    """One order in one state: place or replacement, quote or reduce-only."""
    market, other = rng.sample((ETH, BTC), 2)
    held = _held(rng, market)
    order = _order(rng, market, held["price"])
    former = _order(rng, market, held["price"]) | {"side": order["side"]}
    is_new = rng.random() < 0.7
    filled = 0 if is_new else rng.choice((0, market.step_base_quantums * rng.randint(1, 200)))
    before = held["orders"] + ([] if is_new else [former])
    after = held["orders"] + [_worse(order, None if is_new else former, filled)]
    reduces = rng.random() < 0.06
    order |= {
        "quantums": order["quantums"] + _seldom(rng, 0, 1, -order["quantums"]),
        "subticks": order["subticks"] + _seldom(rng, 0, 1),
        "time_in_force": "IOC" if reduces else rng.choice(("POST_ONLY", "POST_ONLY", "GTT")),
        "reduce_only": reduces,
    }
    held["market"]["status"] = _seldom(rng, "ACTIVE", "POST_ONLY")
    return {
        "phase": _seldom(rng, "ACTIVE", "REDUCING", "REDUCING", "EXITING", "HALTED", part=0.15),
        "limits": _limits(rng),
        "max_position_quote_quantums": rng.choice((20_000, 60_000, 200_000)) * USDC,
        "held": held | {"price": _seldom(rng, held["price"], 0, part=0.005)},
        "order": order,
        "filled": filled,
        "before": before,
        "after": before if sorted(map(str, before)) == sorted(map(str, after)) else after,
        "others": [_held(rng, other)] if rng.random() < 0.6 else [],
        "equity": rng.choice((2_000, 10_000, 100_000)) * USDC,
        "messages": rng.randint(0, 6),
        "elsewhere": _elsewhere(rng, held, market),
        "told": _told(rng, market),
    }


def _worse(order: Case, former: Case | None, filled: int) -> Case:
    """What may still fill of an id: its largest version at the worst of the prices."""
    left = max(0, order["quantums"] - filled)
    if former is None:
        return {**order, "quantums": left}
    worst = max if order["side"] == "BUY" else min
    return {
        "side": order["side"],
        "quantums": max(left, former["quantums"]),
        "subticks": worst(order["subticks"], former["subticks"]),
    }


def _elsewhere(rng: random.Random, held: Case, market: PerpetualMarket) -> list[int]:
    middle = market.subticks_down(held["price"])
    return [middle * rng.randint(985_000, 1_015_000) // 1_000_000 for _ in range(rng.randint(0, 2))]


def _told(rng: random.Random, market: PerpetualMarket) -> Case:
    unit = 10**-market.atomic_resolution
    return {
        "report_age": _seldom(rng, 86_400, 518_401, part=0.1),
        "facts_age_ms": _seldom(rng, 60_000, 900_001, -1, part=0.1),
        "funding_ppb_per_hour": rng.randint(-20_000, 20_000),
        "open_interest": rng.randint(0, 2_000) * unit,
        "volume_quote_quantums": rng.randint(0, 4_000_000) * USDC,
        "bid_depth": rng.randint(0, 8) * unit,
        "ask_depth": rng.randint(0, 8) * unit,
        "refilled_at": _seldom(rng, 0, NOW + 5),
        "paused_until": _seldom(rng, 0, NOW + 9),
        "asset_price": 10**8 + _seldom(rng, 20_000, 1_100_000, -1_100_000, -(10**8), part=0.1),
        "asset_price_age": _seldom(rng, 3_600, 90_001, -1, part=0.1),
        "base_fee_wei": _seldom(rng, 20 * 10**9, 51 * 10**9, part=0.1),
    }


def _exposure(held: Case, orders: list[Case]) -> MarketExposure:
    market = PerpetualMarket(**held["market"])
    open_on = {side: [each for each in orders if each["side"] == side.value] for side in Side}
    loss = {
        side: sum(
            fill_cost(market, side, each["quantums"], each["subticks"], held["price"])
            for each in open_on[side]
        )
        for side in Side
    }
    return MarketExposure(
        market=market,
        oracle_price=held["price"],
        position=held["position"],
        buys=sum(each["quantums"] for each in open_on[Side.BUY]),
        sells=sum(each["quantums"] for each in open_on[Side.SELL]),
        buy_loss=loss[Side.BUY],
        sell_loss=loss[Side.SELL],
        pool=held["pool"],
        pool_low=held["pool_low"],
        pool_high=held["pool_high"],
    )


def verdict_on_order(case: Case, limits: RiskLimits) -> Verdict:
    """Let the keeper judge, with the limits given."""
    held, order = case["held"], case["order"]
    before = _exposure(held, case["before"])
    after = before if case["after"] is case["before"] else _exposure(held, case["after"])
    rest = [_exposure(other, other["orders"]) for other in case["others"]]
    shock_ppm = limits.stress_shock_ppm
    quoted = market_settings(max_position_quote_quantums=case["max_position_quote_quantums"])
    view = OrderView(
        phase=Phase[case["phase"]],
        limits=limits,
        settings=quoted,
        before=before,
        after=after,
        other_gross=sum(each.gross for each in rest),
        other_margin=sum(each.margin for each in rest),
        other_fall=sum(stress_loss(each, Side.BUY, shock_ppm) for each in rest),
        other_rise=sum(stress_loss(each, Side.SELL, shock_ppm) for each in rest),
        equity=case["equity"],
        messages=case["messages"],
        filled=case["filled"],
        bounds=_bounds(case, before.market, limits),
    )
    place = PlaceOrder(
        market=before.market.ticker,
        client_id=1,
        side=Side(order["side"]),
        quantums=order["quantums"],
        subticks=order["subticks"],
        good_til_block=10,
        time_in_force=TimeInForce[order["time_in_force"]],
        reduce_only=order["reduce_only"],
    )
    return approve_place(place, view)


def _bounds(case: Case, market: PerpetualMarket, limits: RiskLimits) -> Any:
    told = case["told"]
    state = initial_state()
    state.t_ns = START_NS
    age = told["facts_age_ms"]
    found = MarketState(
        book=Book(),
        oracle_price=case["held"]["price"],
        facts_t_ns=-1 if age < 0 else START_NS - age * NS_PER_MS,
        open_interest=told["open_interest"],
        volume_quote_quantums=told["volume_quote_quantums"],
        funding_ppb_per_hour=told["funding_ppb_per_hour"],
        bid_depth=told["bid_depth"],
        ask_depth=told["ask_depth"],
    )
    state.chain.vault = _vault(told)
    bounds = bounds_of(state, found, market, limits)
    if not limits.other_venue_band_ppm or not case["elsewhere"]:
        return bounds
    fields = {name: getattr(bounds, name) for name in type(bounds).__struct_fields__}
    return type(bounds)(**fields | {"elsewhere": tuple(case["elsewhere"])})


# ---- pools and capital -------------------------------------------------------------------------


def pool_case(rng: random.Random) -> Case:
    """One mint, burn or swap in one state."""
    asset_is_token0 = rng.random() < 0.5
    amounts = (3_000 * USDC, 10**18) if asset_is_token0 else (10**18, 3_000 * USDC)
    mark = sqrt_price_down(*amounts)
    price = mark * (1_000_000 + rng.choice((0, 500, -500, 1_500, 9_000))) // 1_000_000
    centre = tick_at_sqrt_price(price) // 10 * 10 + rng.choice((0, 0, 300, 3_000, -3_000))
    width = rng.choice((200, 1_200, 4_000))
    spans = [(centre - width, centre + width), (centre - 2 * width, centre + width)]
    idle = (rng.randint(0, 60_000) * USDC, rng.randint(0, 20) * 10**18)
    pool: Case = {
        "asset_is_token0": asset_is_token0,
        "base_decimals": 18,
        "price": price,
        "mark": _seldom(rng, mark, 0, part=0.03),
        "fee_ppm": 500,
        "max_slippage_ppm": rng.choice((3_000, 5_000)),
        "snapshot_max_age_ms": 30_000,
        "cooldown_seconds": 60,
        "last_operation_at": _seldom(rng, 0, NOW - 59, NOW - 60, part=0.1),
        "idle0": idle[0] if asset_is_token0 else idle[1],
        "idle1": idle[1] if asset_is_token0 else idle[0],
        "ranges": [_range(rng, span) for span in spans[: rng.randint(0, 2)]],
    }
    hedge = None if rng.random() < 0.2 else _held(rng, ETH)
    return {
        "phase": _seldom(rng, "ACTIVE", "REDUCING", "EXITING", "HALTED", part=0.08),
        "age_ms": _seldom(rng, 1_000, 30_000, 30_001),
        "now": NOW,
        "deadline_seconds": 120,
        "limits": _limits(rng),
        "pool": pool,
        "hedge": hedge,
        "command": _command(rng, pool, spans),
        "ranges_value": rng.randint(0, 60_000) * USDC,
        "max_position": rng.choice((20_000, 90_000, 400_000)) * USDC,
        "fall": rng.randint(-500, 2_000) * USDC,
        "rise": rng.randint(-500, 2_000) * USDC,
        "other_needs": rng.randint(0, 5_000) * USDC,
        "equity": rng.choice((1_000, 10_000, 100_000)) * USDC,
        "told": _told(rng, ETH),
    }


def _range(rng: random.Random, span: tuple[int, int]) -> Case:
    return {
        "ticks": span,
        "lower": sqrt_price_at_tick(span[0]),
        "upper": sqrt_price_at_tick(span[1]),
        "liquidity": rng.randint(1, 40) * 10**15,
    }


def _command(rng: random.Random, pool: Case, spans: list[tuple[int, int]]) -> Case:
    kind = rng.choice(("mint", "mint", "mint", "swap", "swap", "burn"))
    command: Case = {"kind": kind, "deadline": NOW + _seldom(rng, 120, 121, 0)}
    if kind == "swap":
        sells = rng.random() < 0.4
        takes0 = sells is not pool["asset_is_token0"]
        held = pool["idle0" if takes0 else "idle1"]
        amount = held * rng.randint(1, 100) // 100 + _seldom(rng, 0, 1)
        mark = max(1, pool["mark"])
        worth = (
            amount * (mark * mark >> 64) >> 128
            if takes0
            else (amount << 128) // -(-mark * mark // (1 << 64))
        )
        least = worth * (1_000_000 - rng.choice((500, 3_400, 3_501, 5_600))) // 1_000_000
        return command | {"sells_base": sells, "amount_in": amount, "least_out": least}
    entry = _range(rng, rng.choice(spans))
    entry["liquidity"] = _seldom(rng, entry["liquidity"], 0)
    if kind == "burn":
        return (
            command | entry | {"min0": 10**30, "min1": 10**30}
            if rng.random() < 0.8
            else (command | entry | {"min0": 0, "min1": 0})
        )
    return (
        command
        | entry
        | {
            "max0": _seldom(rng, 0, 10**30),
            "max1": rng.choice((0, min(pool["idle1"], 1_000))),
        }
    )


def _ranges(entries: list[Case]) -> tuple[RangeState, ...]:
    return tuple(
        RangeState(
            tick_lower=entry["ticks"][0],
            tick_upper=entry["ticks"][1],
            liquidity=entry["liquidity"],
        )
        for entry in entries
    )


def _vault(told: Case) -> VaultObserved:
    age = told["asset_price_age"]
    return vault(
        1,
        last_settled_at=NOW - told["report_age"],
        losses_refilled_at=told["refilled_at"],
        paused_until=told["paused_until"],
        asset_price=told["asset_price"],
        asset_price_decimals=8,
        asset_priced_at=0 if age < 0 else NOW - age,
    )


def _allowance(told: Case, limits: RiskLimits) -> Allowance:
    state = initial_state()
    state.t_ns = START_NS
    state.settings = settings(limits=limits)
    state.chain.vault = _vault(told)
    state.chain.base_fee_wei = told["base_fee_wei"]
    return allowance(state)


def verdict_on_pool(case: Case, limits: RiskLimits) -> Verdict:
    """Let the keeper judge, with the limits given."""
    return approve_pool(pool_command_of(case), pool_view_of(case, limits))


def pool_view_of(case: Case, limits: RiskLimits) -> PoolView:
    """Put what the keeper judges a pool's command by into its types."""
    pool, hedge = case["pool"], case["hedge"]
    found = None if hedge is None else _exposure(hedge, hedge["orders"])
    own = [0, 0]
    needs = case["other_needs"]
    if found is not None:
        own = [stress_loss(found, side, limits.stress_shock_ppm) for side in Side]
        needs += hedge_need(found, limits.hedge_shock_ppm)
    chosen = pool_settings(
        asset_is_token0=pool["asset_is_token0"],
        max_slippage_ppm=pool["max_slippage_ppm"],
    )
    return PoolView(
        phase=Phase[case["phase"]],
        pool=chosen,
        seen=pool_seen(
            0,
            sqrt_price_x96=pool["price"],
            fee_ppm=pool["fee_ppm"],
            amount0=pool["idle0"],
            amount1=pool["idle1"],
            ranges=_ranges(pool["ranges"]),
            last_operation_at=pool["last_operation_at"],
        ),
        mark=pool["mark"],
        age_ms=case["age_ms"],
        now=case["now"],
        deadline_seconds=case["deadline_seconds"],
        allowance=_allowance(case["told"], limits),
        risk=PoolRisk(
            limits=limits,
            ranges_value=case["ranges_value"],
            is_hedged=hedge is not None,
            hedge=found,
            max_position=case["max_position"],
            fall=case["fall"] + own[0],
            rise=case["rise"] + own[1],
            hedge_needs=needs,
            equity=case["equity"],
        ),
    )


def pool_command_of(case: Case) -> MintRange | BurnRange | SwapExactIn:
    """Put a case's command into the keeper's types."""
    command, pool = case["command"], case["pool"]
    if command["kind"] == "swap":
        return SwapExactIn(
            adapter=POOL,
            zero_for_one=command["sells_base"] is not pool["asset_is_token0"],
            amount_in=command["amount_in"],
            amount_out_min=command["least_out"],
            deadline=command["deadline"],
        )
    common = {
        "adapter": POOL,
        "tick_lower": command["ticks"][0],
        "tick_upper": command["ticks"][1],
        "liquidity": command["liquidity"],
        "deadline": command["deadline"],
    }
    if command["kind"] == "burn":
        return BurnRange(**common, amount0_min=command["min0"], amount1_min=command["min1"])
    return MintRange(**common, amount0_max=command["max0"], amount1_max=command["max1"])


def allocation_case(rng: random.Random) -> Case:
    """One move of capital out of the vault."""
    return {
        "phase": _seldom(rng, "ACTIVE", "REDUCING", "EXITING", "HALTED", part=0.1),
        "state": _seldom(rng, "OPEN", "CUT", "WINDDOWN", part=0.1),
        "age_ms": _seldom(rng, 5_000, 60_000, 60_001, part=0.1),
        "max_age_ms": 60_000,
        "now": NOW,
        "limits": _limits(rng),
        "told": _told(rng, ETH),
        "assets": rng.choice((0, 1, rng.randint(1, 600_000) * USDC)),
        "idle": rng.randint(0, 1_000_000) * USDC,
        "owed": rng.choice((0, rng.randint(0, 300_000) * USDC)),
        "outgoing": rng.choice((0, rng.randint(0, 100_000) * USDC)),
        "to_venue": rng.random() < 0.6,
        "nav": rng.randint(300_000, 1_000_000) * USDC + 1,
        "clob": rng.randint(0, 300_000) * USDC,
        "on_chain": rng.randint(50_000, 500_000) * USDC,
        "venue_cap_bps": rng.choice((5_000, 9_000)),
        "min_on_chain_bps": 3_000,
    }


def verdict_on_allocation(case: Case, limits: RiskLimits) -> Verdict:
    """Let the keeper judge, with the limits given."""
    names = ("state", "age_ms", "max_age_ms", "idle", "owed", "outgoing", "nav", "clob", "on_chain")
    view = VaultView(
        phase=Phase[case["phase"]],
        **{name: case[name] for name in names},
        clob_adapter=CLOB,
        venue_cap_bps=case["venue_cap_bps"],
        min_on_chain_bps=case["min_on_chain_bps"],
        allowance=_allowance(case["told"], limits),
    )
    adapter = CLOB if case["to_venue"] else POOL
    return approve_allocate(Allocate(adapter=adapter, assets=case["assets"]), view)
