"""Owns what a liquidation costs: who is liquidated, at which price, what the insurance fund gets.

Prices follow from the account's own margins: the fillable price is where its order is placed, the
bankruptcy price is where a position's share of the collateral is used up.
"""

from fractions import Fraction
from hashlib import sha256

from .config import ExchangeConfig, LiquidationConfig, MarketConfig
from .ledger import settled
from .margin import PPM, ceil_ppm, notional, risk
from .model import Order, OrderFlags, OrderId, Side, Subaccount, SubaccountId, TimeInForce
from .store import State

__all__ = [
    "bankruptcy_quote",
    "insurance_delta",
    "is_liquidatable",
    "liquidation_order",
    "net_collateral",
    "own_order",
]


def _parts(state: State, market_id: int) -> tuple[MarketConfig, int]:
    market, price = state.markets.get(market_id), state.prices.get(market_id)
    if market is None or price is None:
        raise ValueError(f"position in market {market_id} that does not exist")
    return market, price


def current(state: State, key: SubaccountId) -> Subaccount:
    """Return a subaccount with its funding settled."""
    return settled(state, state.subaccounts.get(key) or Subaccount())[0]


def net_collateral(state: State, key: SubaccountId) -> int:
    """Return what a subaccount is worth at oracle prices, quote quantums."""
    return risk(state, current(state, key)).net_collateral


def is_liquidatable(state: State, key: SubaccountId) -> bool:
    """Return whether a subaccount is below its maintenance margin."""
    found = risk(state, current(state, key))
    return found.maintenance > 0 and found.net_collateral < found.maintenance


def _maintenance(market: MarketConfig, price: int, quantums: int) -> int:
    base = ceil_ppm(abs(notional(market, price, quantums)), market.initial_margin_ppm)
    return ceil_ppm(base, market.maintenance_fraction_ppm)


def bankruptcy_quote(state: State, key: SubaccountId, market_id: int, quantums: int) -> int:
    """Return the quote that changing a position by `quantums` brings at the bankruptcy price.

    Negative where it is paid; rounded up.
    """
    account = current(state, key)
    market, price = _parts(state, market_id)
    held = account.positions[market_id].quantums
    whole = risk(state, account)
    value = notional(market, price, held + quantums) - notional(market, price, held)
    freed = _maintenance(market, price, held) - _maintenance(market, price, held + quantums)
    if not whole.maintenance:
        return -value
    share = Fraction(whole.net_collateral * freed, whole.maintenance)
    return -value - share.__floor__()


def insurance_delta(
    state: State, limits: LiquidationConfig, match: tuple[SubaccountId, int, int, int]
) -> int:
    """Return what (key, market, quantums, quote received) owes the insurance fund, quote quantums.

    What a fill brings above the bankruptcy price, at most the liquidation fee; negative is what
    the fund adds.
    """
    key, market_id, quantums, quote = match
    above = quote - bankruptcy_quote(state, key, market_id, quantums)
    return min(above, ceil_ppm(abs(quote), limits.max_fee_ppm)) if above > 0 else above


def _fillable_subticks(state: State, limits: LiquidationConfig, key: SubaccountId, at: int) -> int:
    account = current(state, key)
    market, price = _parts(state, at)
    held = account.positions[at].quantums
    whole = risk(state, account)
    lost = PPM - Fraction(whole.net_collateral * PPM, whole.maintenance)
    adjusted = min(max(lost * limits.bankruptcy_adjustment_ppm / PPM, Fraction(0)), Fraction(PPM))
    spread = adjusted / PPM * Fraction(limits.spread_to_maintenance_ppm, PPM)
    quote = notional(market, price, held) - spread * _maintenance(market, price, held)
    subticks = Fraction(quote, held) / Fraction(10) ** market.quantum_conversion_exponent
    ticks = subticks / market.subticks_per_tick
    rounded = -((-ticks).__floor__()) if held > 0 else ticks.__floor__()
    return max(rounded, 1) * market.subticks_per_tick


def _size(state: State, limits: LiquidationConfig, at: int, held: int) -> int:
    market, price = _parts(state, at)
    worth = abs(notional(market, price, held))
    portion = worth * limits.max_position_portion_ppm // PPM
    allowed = min(max(portion, limits.min_position_notional), limits.max_subaccount_notional)
    if worth <= allowed:
        return abs(held)
    steps = abs(held) * allowed // worth // market.step_base_quantums
    return max(steps, 1) * market.step_base_quantums


def own_order(flags: OrderFlags, key: SubaccountId, what: tuple[int, Side, int, int]) -> Order:
    """Return an order of the chain's own over (market, side, quantums, subticks)."""
    market_id, side, quantums, subticks = what
    name = f"{flags.name}/{key.owner}/{key.number}/{market_id}/{side.name}/{quantums}/{subticks}"
    return Order(
        id=OrderId(key, 0, int(flags), market_id),
        side=side,
        quantums=quantums,
        subticks=subticks,
        good_til_block=0,
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
        client_metadata=0,
        digest=sha256(name.encode()).digest(),
    )


def liquidation_order(state: State, config: ExchangeConfig, key: SubaccountId, at: int) -> Order:
    """Return the order that liquidates a subaccount's position in a market, or a part of it."""
    held = current(state, key).positions[at].quantums
    side = Side.SELL if held > 0 else Side.BUY
    size = _size(state, config.liquidation, at, held)
    subticks = _fillable_subticks(state, config.liquidation, key, at)
    return own_order(OrderFlags.LIQUIDATION, key, (at, side, size, subticks))
