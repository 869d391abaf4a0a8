"""Fixed spread: constant distances from the reference, the rule every other must beat."""

from keeper.domain.strategies import FixedSpreadParams
from keeper.domain.units import PPM
from keeper.strategies.ladder import PPM_E18, Distances, around
from keeper.strategies.snapshot import MarketSnapshot, Quotes

__all__ = ["problems", "quote"]


def quote(params: FixedSpreadParams, snapshot: MarketSnapshot) -> Quotes:
    """Quote `half_spread + layer * layer_step` from the reference on both sides, post-only."""

    def distances(_quantums: int) -> Distances:
        return [(_distance_ppm(params, layer) * PPM_E18,) * 2 for layer in range(params.layers)]

    return around(snapshot, params.order_size_quote_quantums, distances)


def problems(params: FixedSpreadParams) -> tuple[str, ...]:
    """List what is wrong with the parameters; empty when they can be quoted."""
    checks = (
        (params.layers < 0, "layers must not be negative"),
        (params.half_spread_ppm <= 0, "half_spread_ppm must be positive"),
        (params.layer_step_ppm < 0, "layer_step_ppm must not be negative"),
        (params.layers > 0 and _distance_ppm(params, params.layers - 1) >= PPM, "bids reach zero"),
        (params.order_size_quote_quantums <= 0, "order_size_quote_quantums must be positive"),
    )
    return tuple(text for broken, text in checks if broken)


def _distance_ppm(params: FixedSpreadParams, layer: int) -> int:
    return params.half_spread_ppm + layer * params.layer_step_ppm
