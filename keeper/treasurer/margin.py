"""What a subaccount is worth and how much of it may leave, at one height (quote quantums)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keeper.domain.units import PPM, div_up, mul_div_up

__all__ = ["Holding", "MarketTerms", "Worth", "worth_of"]

_FUNDING_UNIT = 1_000_000
_MARGIN_BUFFER_PPM = 1_100_000
"""Ten percent more than the initial margin stays, so that quotes are not stopped by a payout."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A position: signed base quantums, settled funding index, quote quantums."""

    perpetual_id: int
    quantums: int
    funding_index: int
    quote_balance: int


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """price * 10^exponent quote quantums per base quantum; margin in ppm of notional."""

    price: int
    exponent: int
    funding_index: int
    initial_margin_ppm: int


@dataclass(frozen=True, slots=True)
class Worth:
    """Equity, and the part that initial margin with a buffer does not need."""

    equity: int
    free: int


def worth_of(usdc: int, holdings: Sequence[Holding], terms: Mapping[int, MarketTerms]) -> Worth:
    """Value a subaccount, every rounding against it. Raises KeyError for an unknown market."""
    equity, margin = usdc, 0
    for holding in holdings:
        market = terms[holding.perpetual_id]
        funding = (market.funding_index - holding.funding_index) * holding.quantums
        equity += holding.quote_balance - div_up(funding, _FUNDING_UNIT)
        notional = _scaled(holding.quantums * market.price, market.exponent)
        equity += notional
        margin += mul_div_up(abs(notional) + 1, market.initial_margin_ppm, PPM)
    kept = mul_div_up(margin, _MARGIN_BUFFER_PPM, PPM)
    return Worth(equity, max(0, equity - kept))


def _scaled(value: int, exponent: int) -> int:
    scale: int = 10 ** abs(exponent)
    return value * scale if exponent >= 0 else value // scale
