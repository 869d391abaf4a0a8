"""The relayer: collects reporters' answers, and submits the report a quorum signed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from keeper.domain.reports import OpenCut, Outcome, Report, SignedReport
from keeper.reporter.digest import Domain, digest_of, signer_of
from keeper.reporter.model import Refusal
from keeper.reporter.ports import ReportSubmitter

__all__ = ["Answer", "Collected", "Relayer", "Submitted"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one reporter said: a signed report, a refusal, or the reason it could not be heard."""

    url: str
    said: SignedReport | Refusal | str


@dataclass(frozen=True, slots=True)
class Collected:
    """All answers, and the report most signers agree on to the unit (None if nobody signed)."""

    answers: tuple[Answer, ...]
    report: Report | None
    signatures: tuple[str, ...]
    quorum: int

    @property
    def complete(self) -> bool:
        return self.report is not None and len(self.signatures) >= self.quorum


@dataclass(frozen=True, slots=True)
class Submitted:
    """A settled cut."""

    report: Report
    outcome: Outcome
    tx_hash: str


class Relayer:
    """Talks to reporters by HTTP and to the contract through its port; trusts neither."""

    def __init__(
        self,
        domain: Domain,
        chain: ReportSubmitter,
        reporter_urls: Sequence[str],
        *,
        timeout_seconds: float,
    ) -> None:
        self._domain = domain
        self._chain = chain
        self._urls = tuple(reporter_urls)
        self._timeout = timeout_seconds

    async def collect(self, proposal: Report | None = None) -> Collected | None:
        """Ask every reporter at once; None when no cut is open.

        Raises ChainUnavailable, WireError.
        """
        cut = await self._chain.open_cut()
        if cut is None:
            return None
        async with httpx.AsyncClient(timeout=self._timeout) as client:
            said = await asyncio.gather(*(self._ask(client, u, proposal) for u in self._urls))
        answers = tuple(
            Answer(u, self._verified(cut, s)) for u, s in zip(self._urls, said, strict=True)
        )
        groups: dict[str, dict[str, SignedReport]] = {}
        for answer in answers:
            if isinstance(answer.said, SignedReport):
                groups.setdefault(answer.said.digest, {})[answer.said.signer] = answer.said
        largest = max(groups.values(), key=len, default={})
        signed = list(largest.values())
        return Collected(
            answers=answers,
            report=signed[0].report if signed else None,
            signatures=tuple(item.signature for item in signed),
            quorum=cut.quorum,
        )

    async def preview(self, report: Report) -> Outcome | str:
        """What the contract would do with a report, or its typed error by name."""
        return await self._chain.preview(report)

    async def submit(self, collected: Collected) -> Submitted | str:
        """Submit a complete collection; a string is the contract's typed error.

        Raises ChainUnavailable, and what the port's `submit` raises.
        """
        report = collected.report
        if report is None or not collected.complete:
            return f"QuorumMissed({len(collected.signatures)}, {collected.quorum})"
        outcome = await self._chain.preview(report)
        if isinstance(outcome, str):
            return outcome
        tx_hash = await self._chain.submit(report, collected.signatures)
        return Submitted(report, outcome, tx_hash)

    async def _ask(
        self, client: httpx.AsyncClient, url: str, proposal: Report | None
    ) -> SignedReport | Refusal | str:
        body = msgspec.json.encode({"report": proposal} if proposal is not None else {})
        try:
            response = await client.post(f"{url.rstrip('/')}/reports", content=body)
            if response.status_code == httpx.codes.OK:
                return msgspec.json.decode(response.content, type=SignedReport)
            if response.status_code == httpx.codes.CONFLICT:
                return msgspec.json.decode(response.content, type=Refusal)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            return f"{type(error).__name__}: {error}"
        return f"HTTP {response.status_code}: {_reason(response)}"

    def _verified(
        self, cut: OpenCut, said: SignedReport | Refusal | str
    ) -> SignedReport | Refusal | str:
        """A signature counts when its signer is in the set and it covers the digest we compute."""
        if not isinstance(said, SignedReport):
            return said
        digest = digest_of(self._domain, said.report)
        try:
            signer = signer_of(digest, said.signature)
        except ValueError as error:
            return f"malformed signature: {error}"
        if signer != said.signer or signer not in cut.reporters:
            return f"signed by {signer}, not by a reporter of set {cut.set_id}"
        if "0x" + digest.hex() != said.digest:
            return f"digest {said.digest} is not of that report"
        return said


def _reason(response: httpx.Response) -> Any:
    try:
        return response.json().get("error", "")
    except (ValueError, AttributeError):
        return response.text[:200]
