"""Errors only the command line raises; each names what is missing and the next command."""

from keeper.domain.errors import AthanorError

__all__ = [
    "ArgumentInvalid",
    "FundsMissing",
    "JournalMissing",
    "OperationPending",
    "QuorumMissed",
    "TransactionRefused",
]


class ArgumentInvalid(AthanorError):
    """Raised when an argument's value makes no sense (too many decimals, not an address)."""


class FundsMissing(AthanorError):
    """Raised when an account lacks a balance or an allowance for what was asked."""


class TransactionRefused(AthanorError):
    """Raised when a transaction would revert, did revert, or was not included in time."""


class QuorumMissed(AthanorError):
    """Raised when fewer reporters signed than the contract demands."""


class JournalMissing(AthanorError):
    """Raised when a folder holds no journal."""


class OperationPending(AthanorError):
    """Raised when an operator's word is logged but has no effect yet."""
