"""What a quoting strategy sees of one market, and what it may answer."""

import msgspec
from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side
from keeper.domain.units import PPM, div_down, div_up
from keeper.markets.perpetual import multiple_down, multiple_up

__all__ = ["MarketSnapshot", "Quotes", "moved_out", "reducing_only"]

Quotes = tuple[Quote, ...] | Refused
"""A ladder, or why there is none."""


class MarketSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One market at one moment.

    `oracle_price` is the venue's integer; `usdc` and `equity` are quote quantums of the trading
    subaccount; `inventory` is what the quotes should bring to zero, in signed base quantums: the
    perpetual position minus its target. Where the market hedges a pool, the target is minus the
    pool's delta, so inventory is position plus pool delta (the net delta), and the ladder skews
    until the hedge is complete. `close_only` asks for nothing but the reducing side.

    Quotes stand around `reference_price`, in the oracle's unit; values and leverage are the
    oracle's. None means that the oracle is the reference. `widen_ppm` is added to
    whatever distance the rule asks for.
    """

    market: PerpetualMarket
    oracle_price: int
    usdc: int
    equity: int
    inventory: int
    close_only: bool
    reference_price: int | None = None
    widen_ppm: int = 0

    @property
    def centre(self) -> int:
        """The price quotes are placed around, in the oracle's unit."""
        return self.oracle_price if self.reference_price is None else self.reference_price


def reducing_only(
    quotes: tuple[Quote, ...], inventory: int, step_base_quantums: int
) -> tuple[Quote, ...]:
    """Keep the side that reduces inventory, in total no more than it, front layers first.

    The layer that reaches the total is shrunk to what is left, down to the step.
    """
    if inventory == 0:
        return ()
    side = Side.SELL if inventory > 0 else Side.BUY
    left = abs(inventory)
    kept: list[Quote] = []
    for quote in quotes:
        if quote.side is not side:
            continue
        quantums = min(quote.quantums, left - left % step_base_quantums)
        if quantums == 0:
            break
        kept.append(quote if quantums == quote.quantums else replace(quote, quantums=quantums))
        left -= quantums
    return tuple(kept)


def moved_out(quotes: tuple[Quote, ...], snapshot: MarketSnapshot) -> tuple[Quote, ...]:
    """Move a rule's quotes out by the snapshot's `widen_ppm`, to the next tick outwards."""
    if snapshot.widen_ppm == 0:
        return quotes
    tick, widen_ppm = snapshot.market.subticks_per_tick, snapshot.widen_ppm
    moved: list[Quote] = []
    for quote in quotes:
        if quote.side is Side.SELL:
            subticks = multiple_up(div_up(quote.subticks * (PPM + widen_ppm), PPM), tick)
        else:
            subticks = multiple_down(div_down(quote.subticks * (PPM - widen_ppm), PPM), tick)
        moved.append(replace(quote, subticks=max(tick, subticks)))
    return tuple(moved)
