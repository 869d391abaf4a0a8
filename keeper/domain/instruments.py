"""What is traded: perpetual markets of a CLOB venue and pools of an AMM, with their exact units."""

import msgspec

from keeper.domain.units import div_down

__all__ = ["MarketStatus", "PerpetualMarket"]

MarketStatus = str
"""ACTIVE, PAUSED, CANCEL_ONLY, POST_ONLY, INITIALIZING or FINAL_SETTLEMENT: the venue's word."""


# Divided in place: these run for every order of every event, and a call costs more than they do.
class PerpetualMarket(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """One perpetual market's trading parameters; every field is the venue's own integer.

    Units: sizes in base quantums (10^atomic_resolution base), prices in subticks, quote in
    quantums (1e-6 USDC): quote_quantums = quantums * subticks * 10^quantum_conversion_exponent.
    """

    ticker: str
    clob_pair_id: int
    atomic_resolution: int
    quantum_conversion_exponent: int
    step_base_quantums: int
    subticks_per_tick: int
    oracle_exponent: int
    min_price_change_ppm: int
    initial_margin_ppm: int
    maintenance_margin_ppm: int
    status: MarketStatus

    def quote_quantums_down(self, quantums: int, subticks: int) -> int:
        """Value of `quantums` at `subticks` in quote quantums, towards minus infinity."""
        product = quantums * subticks
        exponent = self.quantum_conversion_exponent
        value: int = product * 10**exponent if exponent >= 0 else product // 10**-exponent
        return value

    def quote_quantums_up(self, quantums: int, subticks: int) -> int:
        """Value of `quantums` at `subticks` in quote quantums, towards plus infinity."""
        product = quantums * subticks
        exponent = self.quantum_conversion_exponent
        value: int = product * 10**exponent if exponent >= 0 else -(-product // 10**-exponent)
        return value

    def oracle_value_down(self, quantums: int, oracle_price: int) -> int:
        """Value in quote quantums of `quantums` at `oracle_price * 10^oracle_exponent` USDC, down.

        quantums * price * 10^(oracle_exponent + atomic_resolution + 6).
        """
        exponent = self.oracle_exponent + self.atomic_resolution + 6
        product = quantums * oracle_price
        value: int = product * 10**exponent if exponent >= 0 else product // 10**-exponent
        return value

    def subticks_down(self, oracle_price: int) -> int:
        """Convert an oracle price to subticks, towards zero (oracle prices are positive).

        One subtick is 10^(quantum_conversion_exponent - 6 - atomic_resolution) USDC.
        """
        exponent = (
            self.oracle_exponent + 6 + self.atomic_resolution - self.quantum_conversion_exponent
        )
        value: int = oracle_price * 10**exponent if exponent >= 0 else oracle_price // 10**-exponent
        return value

    def subticks_up(self, oracle_price: int) -> int:
        """Convert an oracle price to subticks, towards plus infinity."""
        exponent = (
            self.oracle_exponent + 6 + self.atomic_resolution - self.quantum_conversion_exponent
        )
        value: int = (
            oracle_price * 10**exponent if exponent >= 0 else -(-oracle_price // 10**-exponent)
        )
        return value

    def oracle_price_down(self, subticks: int) -> int:
        """Convert subticks to the unit of oracle prices, towards minus infinity."""
        exponent = -self._subtick_shift()
        return subticks * 10**exponent if exponent >= 0 else div_down(subticks, 10**-exponent)

    def _subtick_shift(self) -> int:
        return self.oracle_exponent + 6 + self.atomic_resolution - self.quantum_conversion_exponent
