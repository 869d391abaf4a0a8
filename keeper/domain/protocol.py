"""Times that the contracts keep for every vault: no deployment may change them, no view tells them.

The numbers of contracts/libraries/Constants.sol and of docs/spec.md, in seconds.
"""

from typing import Final

__all__ = [
    "EPOCH_SECONDS",
    "REPORT_WINDOW_SECONDS",
    "SETTLEMENT_DELAY_SECONDS",
    "WIND_DOWN_DELAY_SECONDS",
]

EPOCH_SECONDS: Final = 86_400
"""Least time between two cuts."""
REPORT_WINDOW_SECONDS: Final = 6 * 3_600
"""A cut without its report lapses so long after it."""
SETTLEMENT_DELAY_SECONDS: Final = 3 * 86_400
"""What a cut owes is late when it is not paid so long after it."""
WIND_DOWN_DELAY_SECONDS: Final = 7 * 86_400
"""Without a settlement, or with a cut unpaid, for so long anyone may end the vault."""
