"""Times that the contracts keep for every vault: no deployment may change them, no view tells them.

The numbers of contracts/libraries/Constants.sol and of docs/spec.md, times in seconds.
"""

from typing import Final

__all__ = [
    "EPOCH_SECONDS",
    "PENALTY_BPS",
    "PENALTY_SECONDS",
    "REPORT_WINDOW_SECONDS",
    "SETTLEMENT_DELAY_SECONDS",
    "STAKE_WITHDRAWAL_SECONDS",
    "WIND_DOWN_DELAY_SECONDS",
]

EPOCH_SECONDS: Final = 86_400
"""Least time between two cuts."""
REPORT_WINDOW_SECONDS: Final = 6 * 3_600
"""A cut without its report lapses so long after it."""
SETTLEMENT_DELAY_SECONDS: Final = 3 * 86_400
"""What a cut owes is late when it is not paid so long after it."""
PENALTY_SECONDS: Final = 86_400
"""For each such time that a cut is late anyone may have a part of the keeper's stake burnt."""
PENALTY_BPS: Final = 200
"""That part, of counting and waiting shares alike, in basis points rounded up."""
STAKE_WITHDRAWAL_SECONDS: Final = 7 * 86_400
"""Shares that were asked back of the stake wait so long, exposed to the penalty."""
WIND_DOWN_DELAY_SECONDS: Final = 7 * 86_400
"""Without a settlement, or with a cut unpaid, for so long anyone may end the vault."""
