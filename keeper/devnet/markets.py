"""The exchange's markets as the world sees them: ids, units, and the recordings that fill them."""

from dataclasses import dataclass
from typing import Final

from keeper.devnet.exchange_process import CHAIN_ID
from keeper.domain.units import PPM

__all__ = ["BTC_USD", "ETH_USD", "MARKETS", "PRICE_DECIMALS", "SYMBOLS", "MarketRoute"]

PRICE_DECIMALS: Final = 8
"""Path prices are USD with 8 decimals, as the common on-chain feeds have them."""
_QUOTE_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class MarketRoute:
    """A market that is traded: its ids and units; order sizes in quote quantums."""

    chain_id: str
    market: str
    clob_pair_id: int
    atomic_resolution: int
    oracle_exponent: int
    quantum_conversion_exponent: int
    step_base_quantums: int
    subticks_per_tick: int
    max_order_quote_quantums: int
    slippage_ppm: int

    @property
    def subticks_scale(self) -> int:
        """Subticks of a price of one USD."""
        scale: int = 10 ** (
            _QUOTE_DECIMALS + self.atomic_resolution - self.quantum_conversion_exponent
        )
        return scale

    def quantums(self, price: int, quote_quantums: int) -> int:
        """Base quantums worth `quote_quantums` at a price (USD, 8 decimals), down to the step."""
        scale: int = 10 ** (PRICE_DECIMALS - _QUOTE_DECIMALS - self.atomic_resolution)
        quantums = quote_quantums * scale // price
        return max(
            self.step_base_quantums, quantums // self.step_base_quantums * self.step_base_quantums
        )

    def subticks(self, price: int, away_ppm: int) -> int:
        """Subticks `away_ppm` (signed) from a price (USD, 8 decimals), down to the tick."""
        away = price * (PPM + away_ppm) // PPM
        subticks: int = away * self.subticks_scale // 10**PRICE_DECIMALS
        return subticks // self.subticks_per_tick * self.subticks_per_tick


ETH_USD: Final = MarketRoute(
    chain_id=CHAIN_ID,
    market="ETH-USD",
    clob_pair_id=1,
    atomic_resolution=-9,
    oracle_exponent=-6,
    quantum_conversion_exponent=-9,
    step_base_quantums=1_000_000,
    subticks_per_tick=100_000,
    max_order_quote_quantums=4_000_000_000,
    slippage_ppm=10_000,
)
BTC_USD: Final = MarketRoute(
    chain_id=CHAIN_ID,
    market="BTC-USD",
    clob_pair_id=0,
    atomic_resolution=-10,
    oracle_exponent=-5,
    quantum_conversion_exponent=-9,
    step_base_quantums=1_000_000,
    subticks_per_tick=100_000,
    max_order_quote_quantums=4_000_000_000,
    slippage_ppm=10_000,
)
MARKETS: Final = (ETH_USD, BTC_USD)
SYMBOLS: Final = {"ETHUSDT": ETH_USD, "BTCUSDT": BTC_USD}
"""Recorded symbols and the market each is played into; one USDT counts as one USDC."""
