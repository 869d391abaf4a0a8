"""Exact decimals and UTC times as text, for people, spreadsheets and tax forms."""

from datetime import UTC, datetime, timedelta
from typing import Final

from keeper.domain.instruments import PerpetualMarket

__all__ = ["base_decimals", "decimal_text", "price_decimals", "ratio_text", "utc_text"]

QUOTE_DECIMALS: Final = 6
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def decimal_text(units: int, decimals: int) -> str:
    """Write units of 10^-decimals exactly, without trailing zeros: 1500000 of 6 is "1.5"."""
    if decimals < 0:
        return str(units * 10**-decimals)
    digits = str(abs(units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    fraction = fraction.rstrip("0")
    return f"{'-' if units < 0 else ''}{whole}{'.' if fraction else ''}{fraction}"


def ratio_text(quote: int, base: int, shift: int, places: int = 8) -> str:
    """Write |quote| / |base| * 10^shift, towards zero at `places` decimals; "" of nothing."""
    if not base:
        return ""
    exponent = shift + places
    above = abs(quote) * 10 ** max(exponent, 0)
    return decimal_text(above // (abs(base) * 10 ** max(-exponent, 0)), places)


def utc_text(time_ns: int) -> str:
    """Write unix nanoseconds as ISO-8601 in UTC, to the millisecond, towards the past."""
    moment = _EPOCH + timedelta(milliseconds=time_ns // 1_000_000)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def base_decimals(market: PerpetualMarket) -> int:
    """Decimals of a base quantum."""
    return -market.atomic_resolution


def price_decimals(market: PerpetualMarket) -> int:
    """Decimals of a subtick in USDC per base unit."""
    return market.atomic_resolution + QUOTE_DECIMALS - market.quantum_conversion_exponent
