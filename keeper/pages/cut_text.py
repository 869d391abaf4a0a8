"""What a limit keeps out of a pool's range, in words."""

from collections.abc import Mapping
from typing import Any, Final

from keeper.pages.numbers import money_text

__all__ = ["cut_text"]

_USDC: Final = 6


def cut_text(cut: Mapping[str, Any]) -> str:
    """Say how much of a pool's idle tokens a limit lets into its range, and both its numbers."""
    fits, wanted, value, limit = (
        money_text(cut[name], _USDC, short=True)
        for name in ("fits_assets", "wanted_assets", "value", "limit")
    )
    return f"{fits} of {wanted} USDC go into the range: {cut['code']}, {value} against {limit} USDC"
