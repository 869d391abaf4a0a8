"""The quoting rules a market may follow, and overlays, as sections of the configuration."""

from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from keeper.config.fields import PPM, NonNegative, Positive, Ppm, Section, described

__all__ = [
    "AvellanedaStoikov",
    "ConstantProduct",
    "FixedSpread",
    "Glft",
    "KINDS",
    "MegaVault",
    "Overlays",
    "RangeOnBook",
    "SECTIONS",
    "Rule",
]

Layers = Annotated[int, Field(gt=0, le=10)]
PositivePpm = Annotated[int, Field(gt=0, le=PPM)]


class MegaVault(Section):
    """The dYdX MegaVault rule; all ppm unless the name says otherwise."""

    kind: Literal["megavault"] = described("Name of the rule.")
    layers: Layers = described("Orders per side.")
    spread_min_ppm: Ppm = described("Least half spread, in ppm of the reference price.")
    spread_buffer_ppm: Ppm = described(
        "Half spread above the venue's minimum price change, in ppm."
    )
    skew_factor_ppm: NonNegative = described("Strength of the inventory skew, in ppm.")
    order_size_pct_ppm: Ppm = described("Size of one order, in ppm of equity.")
    activation_threshold_quote_quantums: NonNegative = described(
        "Equity below which nothing is quoted, in 1e-6 USDC."
    )


class FixedSpread(Section):
    """A constant distance from the reference: the rule every other must beat."""

    kind: Literal["fixed_spread"] = described("Name of the rule.")
    layers: Layers = described("Orders per side.")
    half_spread_ppm: Ppm = described("Distance of the first layer, in ppm of the reference price.")
    layer_step_ppm: Ppm = described("Distance between layers, in ppm.")
    order_size_quote_quantums: Positive = described("Size of one order, in 1e-6 USDC.")


class AvellanedaStoikov(Section):
    """Avellaneda and Stoikov (2008): a reservation price and an optimal spread around it."""

    kind: Literal["avellaneda_stoikov"] = described("Name of the rule.")
    layers: Layers = described("Orders per side.")
    layer_step_ppm: Ppm = described("Distance between layers, in ppm.")
    order_size_quote_quantums: Positive = described(
        "Size of one order, in 1e-6 USDC; the unit of inventory."
    )
    gamma_e9: Positive = described("Risk aversion gamma, in 1e-9 per ppm of price and order.")
    k_e9: Positive = described(
        "Decay k of the chance of a fill with distance, exp(-k*distance), in 1e-9 per ppm."
    )
    volatility_ppm: Positive = described("Standard deviation sigma of a day's move, in ppm.")
    horizon_seconds: NonNegative = described(
        "Length of a horizon, each following the last from unix time 0, in seconds; 0: infinite."
    )
    max_inventory_orders: Positive = described(
        "Inventory from which no more is added, in orders.", le=1_000
    )


class Glft(Section):
    """Gueant, Lehalle and Fernandez-Tapia (2013): the same market under an inventory limit."""

    kind: Literal["glft"] = described("Name of the rule.")
    layers: Layers = described("Orders per side.")
    layer_step_ppm: Ppm = described("Distance between layers, in ppm.")
    order_size_quote_quantums: Positive = described(
        "Size of one order, in 1e-6 USDC; the unit of inventory."
    )
    gamma_e9: Positive = described("Risk aversion gamma, in 1e-9 per ppm of price and order.")
    k_e9: Positive = described(
        "Decay k of the chance of a fill with distance, exp(-k*distance), in 1e-9 per ppm."
    )
    arrivals_per_day: Positive = described("Intensity A: fills a day of an order at no distance.")
    volatility_ppm: Positive = described("Standard deviation sigma of a day's move, in ppm.")
    drift_ppm: int = described("Expected move mu of a day, signed, in ppm.")
    impact_ppm: Ppm = described("Move xi against us with each order that fills, in ppm.")
    horizon_seconds: NonNegative = described(
        "Length of a horizon, solved exactly, in seconds; 0: the closed form of a far horizon."
    )
    max_inventory_orders: Positive = described(
        "Inventory from which no more is added, in orders.", le=1_000
    )


class ConstantProduct(Section):
    """A pool's x*y=k around the reference, as limit orders."""

    kind: Literal["constant_product"] = described("Name of the rule.")
    layers: Layers = described("Orders per side.")
    order_size_quote_quantums: Positive = described("Size of one order, in 1e-6 USDC.")
    reserves_quote_quantums: Positive = described(
        "Worth of both virtual reserves without inventory, in 1e-6 USDC."
    )
    fee_ppm: Ppm = described("Fee on what comes in, as a pool takes it, in ppm.")


class RangeOnBook(Section):
    """A Uniswap v3 range around the reference, as limit orders."""

    kind: Literal["range_on_book"] = described("Name of the rule.")
    layers: Layers = described("Orders per side.")
    order_size_quote_quantums: Positive = described("Size of one order, in 1e-6 USDC.")
    reserves_quote_quantums: Positive = described(
        "Worth of what the range holds without inventory, in 1e-6 USDC."
    )
    fee_ppm: Ppm = described("Fee on what comes in, as a pool takes it, in ppm.")
    width_ppm: Positive = described(
        "The range reaches from price/(1 + width) to price*(1 + width), in ppm."
    )


class Trend(Section):
    """Move the quotes with the short-term trend."""

    fast_seconds: Positive = described("Time constant of the fast average, in seconds.")
    slow_seconds: Positive = described("Time constant of the slow average, in seconds.")
    gain_ppm: Positive = described("Share of their distance to move by, in ppm.")
    max_shift_ppm: PositivePpm = described("Most to move by, in ppm of the price.")


class Imbalance(Section):
    """Move the quotes with the order-flow imbalance of the best levels."""

    seconds: Positive = described("Time in which a change of the book fades, in seconds.")
    shift_ppm: PositivePpm = described("How far to move when all flow is on one side, in ppm.")


class Volatility(Section):
    """Widen the quotes with the measured volatility."""

    seconds: Positive = described("Time constant of the measurement, in seconds.")
    floor_ppm: NonNegative = described("Daily volatility up to which nothing widens, in ppm.")
    gain_ppm: Positive = described("Share of what is above it to widen by, in ppm.")
    max_widen_ppm: PositivePpm = described("Most to widen by, in ppm of the price.")


class Funding(Section):
    """Move the quotes by what funding will cost while a position is held."""

    holding_seconds: Positive = described("How long a position is usually held, in seconds.")
    max_shift_ppm: PositivePpm = described("Most to move by, in ppm of the price.")


class Toxicity(Section):
    """Widen the side whose fills lost against the price a while later."""

    horizon_seconds: Positive = described("How long after a fill it is judged, in seconds.")
    fills: Positive = described("Fills that the average is over.")
    gain_ppm: Positive = described("Share of the average loss to widen by, in ppm.")
    max_widen_ppm: PositivePpm = described("Most to widen by, in ppm of the price.")


class Fee(Section):
    """Move both sides out by the maker fee, or in by a rebate."""

    maker_fee_ppm: int = described(
        "Maker fee of the account's tier, negative for a rebate, in ppm.", ge=-10_000, le=10_000
    )


class Target(Section):
    """Skew towards an inventory other than none."""

    quote_quantums: int = described("Wanted inventory at the oracle price, signed, in 1e-6 USDC.")


class Session(Section):
    """Quote within weekly windows alone."""

    windows: tuple[tuple[NonNegative, NonNegative], ...] = described(
        "Pairs [from, to] in minutes since Monday 00:00 UTC, of 10,080.", min_length=1
    )
    outside: Literal["pull", "reduce"] = described(
        "Outside of them: pull all quotes, or quote the reducing side alone."
    )


class ReduceOnly(Section):
    """Quote nothing but the reducing side from some inventory on."""

    from_quote_quantums: Positive = described("That inventory's worth, in 1e-6 USDC.")


class Overlays(Section):
    """What bends a market's rule; any of them compose."""

    trend: Trend | None = described("Move with the trend; absent: not.", None)
    imbalance: Imbalance | None = described("Move with the order flow; absent: not.", None)
    volatility: Volatility | None = described("Widen with volatility; absent: not.", None)
    funding: Funding | None = described("Carry funding; absent: not.", None)
    toxicity: Toxicity | None = described("Widen where fills lose; absent: not.", None)
    fee: Fee | None = described("Pass the maker fee on; absent: not.", None)
    target: Target | None = described("Hold an inventory; absent: none.", None)
    session: Session | None = described("Weekly windows; absent: always open.", None)
    reduce_only: ReduceOnly | None = described("Reduce from an inventory on; absent: never.", None)


Rule = MegaVault | FixedSpread | AvellanedaStoikov | Glft | ConstantProduct | RangeOnBook

SECTIONS: Final[dict[str, type[Rule]]] = {
    get_args(section.model_fields["kind"].annotation)[0]: section for section in get_args(Rule)
}
"""Sections by the name of the rule."""

KINDS: Final = frozenset(SECTIONS)
