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
    whatever distance the rule asks for, `bid_widen_ppm` and `ask_widen_ppm` to one side alone; a
    sum below zero moves a side in. `now_s` is unix time, for rules with a horizon (else 0).
    """

    market: PerpetualMarket
    oracle_price: int
    usdc: int
    equity: int
    inventory: int
    close_only: bool
    reference_price: int | None = None
    widen_ppm: int = 0
    bid_widen_ppm: int = 0
    ask_widen_ppm: int = 0
    now_s: int = 0

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
    """Move a rule's quotes out by the snapshot's widths, to the next tick outwards.

    A width below zero moves in, unless bids and asks would meet: then no side moves in.
    """
    bid_ppm = snapshot.widen_ppm + snapshot.bid_widen_ppm
    ask_ppm = snapshot.widen_ppm + snapshot.ask_widen_ppm
    moved = _moved(quotes, snapshot.market.subticks_per_tick, bid_ppm, ask_ppm)
    if min(bid_ppm, ask_ppm) < 0 and _meet(moved):
        tick = snapshot.market.subticks_per_tick
        return _moved(quotes, tick, max(0, bid_ppm), max(0, ask_ppm))
    return moved


def _moved(quotes: tuple[Quote, ...], tick: int, bid_ppm: int, ask_ppm: int) -> tuple[Quote, ...]:
    if bid_ppm == ask_ppm == 0:
        return quotes
    moved: list[Quote] = []
    for quote in quotes:
        if quote.side is Side.SELL:
            subticks = multiple_up(div_up(quote.subticks * (PPM + ask_ppm), PPM), tick)
        else:
            subticks = multiple_down(div_down(quote.subticks * (PPM - bid_ppm), PPM), tick)
        moved.append(replace(quote, subticks=max(tick, subticks)))
    return tuple(moved)


def _meet(quotes: tuple[Quote, ...]) -> bool:
    bids = [quote.subticks for quote in quotes if quote.side is Side.BUY]
    asks = [quote.subticks for quote in quotes if quote.side is Side.SELL]
    return bool(bids and asks) and min(asks) <= max(bids)
