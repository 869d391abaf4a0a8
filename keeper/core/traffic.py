"""Counts a market's order messages and fills, and says when the order-to-trade cap is spent."""

from typing import Final

from keeper.core.state import MarketState, State
from keeper.domain.approval import Refused
from keeper.domain.settings import OrderToTrade
from keeper.execution.reconcile import Purpose
from keeper.execution.traffic import count_fill, count_order, count_renewal, roll
from keeper.risk.traffic import check_order_to_trade

__all__ = ["cap_spent", "note_cancel", "note_fill", "note_order"]

_RENEWAL: Final = Purpose.RENEWAL  # a member costs three times a name


def cap_spent(state: State, market: MarketState) -> Refused | None:
    """Why nothing but renewals, cancels and steps back may leave; None while all may."""
    cap = _cap(market)
    if cap is None or market.settings is None:
        return None
    roll(market.traffic, state.t_ns, cap.window_seconds)
    total = market.traffic.total
    return check_order_to_trade(
        market.settings.ticker,
        cap,
        (total.orders, total.order_volume),
        (total.fills, total.fill_volume),
    )


def note_order(state: State, market: MarketState, purpose: Purpose, quantums: int) -> None:
    """Count an order message that leaves and offers `quantums`; a renewal is counted apart."""
    if purpose is _RENEWAL:
        count_renewal(market.traffic)
        return
    cap = _cap(market)
    if cap is not None:
        roll(market.traffic, state.t_ns, cap.window_seconds)
        count_order(market.traffic, state.t_ns, quantums)


def note_cancel(state: State, market: MarketState) -> None:
    """Count a batch of cancels in a market that goes on being quoted."""
    note_order(state, market, Purpose.RETREAT, 0)


def note_fill(state: State, market: MarketState, quantums: int) -> None:
    """Count a fill of an order of ours."""
    cap = _cap(market)
    if cap is not None:
        roll(market.traffic, state.t_ns, cap.window_seconds)
        count_fill(market.traffic, state.t_ns, quantums)


def _cap(market: MarketState) -> OrderToTrade | None:
    return None if market.settings is None else market.settings.order_to_trade
