"""Amounts a person types: exact decimals to smallest units, never rounded, never guessed."""

import re
from typing import Final

from keeper.cli.failures import ArgumentInvalid
from keeper.cli.output import units

__all__ = ["parse_amount", "shown"]

PATTERN: Final = re.compile(r"([0-9]{1,3}(?:[,_][0-9]{3})+|[0-9]+)(?:\.([0-9]+))?")


def parse_amount(text: str, decimals: int, symbol: str) -> int:
    """Convert "1,000.5" to smallest units. Raises ArgumentInvalid instead of rounding."""
    match = PATTERN.fullmatch(text.strip())
    if match is None:
        raise ArgumentInvalid(
            f"{text!r} is not an amount", next_step="write a plain decimal, for example 1000.50"
        )
    fraction = match.group(2) or ""
    if len(fraction) > decimals:
        raise ArgumentInvalid(
            f"{text} has {len(fraction)} decimals, {symbol} has {decimals}",
            next_step="shorten it; amounts are never rounded",
        )
    whole = re.sub(r"[,_]", "", match.group(1))
    amount = int(whole + fraction.ljust(decimals, "0"))
    if amount == 0:
        raise ArgumentInvalid("the amount is zero", next_step="name an amount above zero")
    return amount


def shown(amount: int, decimals: int, symbol: str) -> str:
    """Write an amount with its symbol: exact, without trailing zeros beyond two decimals."""
    text = units(amount, decimals)
    whole, point, fraction = text.partition(".")
    return f"{whole}{point}{fraction.rstrip('0').ljust(min(2, decimals), '0')} {symbol}"
