"""Errors only the command line raises; each names what is missing and the next command."""

from keeper.domain.errors import AthanorError

__all__ = [
    "ArgumentInvalid",
    "CauseStands",
    "JournalMissing",
    "NoOpenCut",
    "NothingClaimable",
    "OperationPending",
    "QuorumMissed",
    "ReportRefused",
]


class ArgumentInvalid(AthanorError):
    """Raised when an argument's value makes no sense (too many decimals, not an address)."""


class CauseStands(AthanorError):
    """Raised when trading would resume while what stopped it is still so."""


class QuorumMissed(AthanorError):
    """Raised when fewer reporters signed than the contract demands."""


class NoOpenCut(AthanorError):
    """Raised when a report is asked for and no cut awaits one."""


class NothingClaimable(AthanorError):
    """Raised when a claim is asked for and nothing is settled and unclaimed."""


class ReportRefused(AthanorError):
    """Raised when the contract refuses a signed report."""


class JournalMissing(AthanorError):
    """Raised when a folder holds no journal."""


class OperationPending(AthanorError):
    """Raised when an operator's word is logged but has no effect yet."""
