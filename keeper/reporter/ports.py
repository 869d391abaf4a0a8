"""What a reporter needs from the chain; the composition root gives it the chain edge."""

from collections.abc import Sequence
from typing import Protocol

from keeper.domain.reports import OpenCut, Outcome, Report

__all__ = ["CutSource", "ReportSubmitter"]


class CutSource(Protocol):
    """A reporter's own view of the vault."""

    async def open_cut(self) -> OpenCut | None:
        """Return the cut that awaits its report, None when there is none.

        Raises ChainUnavailable, WireError.
        """
        ...


class ReportSubmitter(CutSource, Protocol):
    """A relayer's view: any account may submit."""

    async def preview(self, report: Report) -> Outcome | str:
        """Return what submission would do, or the contract's typed error by name.

        Raises ChainUnavailable, WireError.
        """
        ...

    async def submit(self, report: Report, signatures: Sequence[str]) -> str:
        """Submit and wait for inclusion; return the transaction hash.

        Raises ChainUnavailable, AthanorError when the transaction is refused or reverts.
        """
        ...
