"""What a quoting strategy sees of one market, and what it may answer."""

import msgspec
from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side

__all__ = ["MarketSnapshot", "Quotes", "reducing_only"]

Quotes = tuple[Quote, ...] | Refused
"""A ladder, or why there is none."""


class MarketSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One market at one moment.

    `oracle_price` is the venue's integer; `usdc` and `equity` are quote quantums of the trading
    subaccount; `inventory` is what the quotes should bring to zero, in signed base quantums: the
    perpetual position minus its target. Where the market hedges a pool, the target is minus the
    pool's delta, so inventory is position plus pool delta (the net delta), and the ladder skews
    until the hedge is complete. `close_only` asks for nothing but the reducing side.
    """

    market: PerpetualMarket
    oracle_price: int
    usdc: int
    equity: int
    inventory: int
    close_only: bool


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
