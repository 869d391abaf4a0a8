"""What rules share: whether there is a basis to quote on, and quotes made of distances.

A distance is a share of the price quotes stand around, in units of 1e-18: a bid stands at
`centre * (1 - distance)` down to the tick, an ask at `centre * (1 + distance)` up to it.
"""

from collections.abc import Callable, Sequence
from typing import Final

from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.domain.units import PPM, div_down, div_up
from keeper.markets.perpetual import multiple_down, multiple_up, quantums_for_value_down
from keeper.strategies.snapshot import MarketSnapshot, Quotes, reducing_only

__all__ = [
    "MAX_WIRE",
    "PPM_E18",
    "UNIT",
    "Distances",
    "around",
    "basis",
    "closing",
    "common_problems",
    "from_distances",
    "layered",
    "order_quantums",
    "post_only",
    "refused",
]

UNIT: Final = 10**18
PPM_E18: Final = UNIT // PPM
MAX_WIRE: Final = (1 << 64) - 1
"""Largest size and price the venue's messages carry, in base quantums and subticks."""

Distances = Sequence[tuple[int | None, int | None]]
"""(ask, bid) by layer; None where that side is not quoted."""


def basis(snapshot: MarketSnapshot) -> Refused | None:
    """Return why nothing can be quoted here: no price, no equity, or a price no order can carry.

    Codes: ZERO_ORACLE, ZERO_REFERENCE, PRICE_ABSURD (subticks), NO_EQUITY.
    """
    market = snapshot.market
    if snapshot.oracle_price <= 0:
        return refused("ZERO_ORACLE", snapshot, 1, snapshot.oracle_price)
    if snapshot.centre <= 0:
        return refused("ZERO_REFERENCE", snapshot, 1, snapshot.centre)
    for price in (snapshot.oracle_price, snapshot.centre):
        subticks = market.subticks_down(price)
        if subticks < market.subticks_per_tick:
            return refused("PRICE_ABSURD", snapshot, market.subticks_per_tick, subticks)
        if subticks > MAX_WIRE:
            return refused("PRICE_ABSURD", snapshot, MAX_WIRE, subticks)
    if snapshot.equity <= 0:
        return refused("NO_EQUITY", snapshot, 1, snapshot.equity)
    return None


def refused(code: str, snapshot: MarketSnapshot, limit: int, value: int) -> Refused:
    """Refuse to quote the snapshot's market."""
    return Refused(code=code, subject=snapshot.market.ticker, limit=limit, value=value)


def order_quantums(snapshot: MarketSnapshot, value: int) -> int:
    """Size of an order worth `value` quote quantums at the oracle, in base quantums.

    Down to the step; 0 where that is nothing.
    """
    return quantums_for_value_down(snapshot.market, value, snapshot.oracle_price)


def around(
    snapshot: MarketSnapshot, order_value: int, distances: Callable[[int], Distances]
) -> Quotes:
    """Quote orders worth `order_value` quote quantums at the distances found for their size.

    Refused as `basis` says; nothing where one order is less than the step.
    """
    no_basis = basis(snapshot)
    if no_basis is not None:
        return no_basis
    quantums = order_quantums(snapshot, order_value)
    if quantums == 0:
        return ()
    return from_distances(snapshot, distances(quantums), quantums)


def from_distances(snapshot: MarketSnapshot, distances: Distances, quantums: int) -> Quotes:
    """Quote equal sizes at distances, ask before bid, front layer first; all post-only.

    PRICE_ABSURD when a bid would not be a price any more, or an ask more than the venue carries.
    """
    market, tick = snapshot.market, snapshot.market.subticks_per_tick
    low, high = market.subticks_down(snapshot.centre), market.subticks_up(snapshot.centre)
    quotes: list[Quote] = []
    for layer, (ask, bid) in enumerate(distances):
        if ask is not None:
            subticks = multiple_up(div_up(high * (UNIT + ask), UNIT), tick)
            if not tick <= subticks <= MAX_WIRE:
                return refused("PRICE_ABSURD", snapshot, MAX_WIRE, subticks)
            quotes.append(post_only(snapshot, Side.SELL, layer, quantums, subticks))
        if bid is not None:
            subticks = multiple_down(div_down(low * (UNIT - bid), UNIT), tick)
            if not tick <= subticks <= MAX_WIRE:
                return refused("PRICE_ABSURD", snapshot, tick, subticks)
            quotes.append(post_only(snapshot, Side.BUY, layer, quantums, subticks))
    return closing(snapshot, tuple(quotes))


def layered(
    ask: int | None, bid: int | None, layers: int, layer_step_ppm: int
) -> list[tuple[int | None, int | None]]:
    """Distances of every layer, each farther out than the one before it by the step."""
    steps = (layer * layer_step_ppm * PPM_E18 for layer in range(layers))
    return [
        (None if ask is None else ask + step, None if bid is None else bid + step) for step in steps
    ]


def closing(snapshot: MarketSnapshot, quotes: tuple[Quote, ...]) -> tuple[Quote, ...]:
    """Keep what a snapshot that asks for the reducing side alone allows."""
    if not snapshot.close_only:
        return quotes
    return reducing_only(quotes, snapshot.inventory, snapshot.market.step_base_quantums)


def post_only(
    snapshot: MarketSnapshot, side: Side, layer: int, quantums: int, subticks: int
) -> Quote:
    """One quote that never takes."""
    return Quote(
        market=snapshot.market.ticker,
        side=side,
        layer=layer,
        quantums=quantums,
        subticks=subticks,
        time_in_force=TimeInForce.POST_ONLY,
    )


def common_problems(layers: int, layer_step_ppm: int, order_size_quote_quantums: int) -> list[str]:
    """Name what is wrong with the parameters every distance rule has."""
    checks = (
        (not 0 < layers <= 255, "layers must lie between 1 and 255"),
        (layer_step_ppm < 0, "layer_step_ppm must not be negative"),
        (layers > 1 and layer_step_ppm == 0, "layer_step_ppm must be positive with several layers"),
        (layers * layer_step_ppm >= PPM, "the last layer's bid reaches zero"),
        (order_size_quote_quantums <= 0, "order_size_quote_quantums must be positive"),
    )
    return [text for broken, text in checks if broken]
