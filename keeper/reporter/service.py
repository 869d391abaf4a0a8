"""One reporter: watches for cuts, captures them in time, and answers with a signature or a no."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog
from eth_account.signers.local import LocalAccount

from keeper.domain.errors import AthanorError
from keeper.domain.reports import ZERO32, Leg, OpenCut, Report, SignedReport
from keeper.ports import Clock
from keeper.reporter.capture import (
    Capture,
    CaptureStore,
    LegCapture,
    VenueAccount,
    capture_cut,
    capture_leg,
)
from keeper.reporter.digest import Domain, digest_of, sign_digest
from keeper.reporter.indexer import Indexer
from keeper.reporter.model import Refusal, first_difference
from keeper.reporter.ports import CutSource
from keeper.reporter.report import LegInputs, build_report
from keeper.reporter.validator import StateOutOfReach, Validator
from keeper.reporter.wire import decode_perpetuals

__all__ = ["ReporterService", "ReporterSettings"]

RootAtCut = Callable[[int], str | Refusal]
"""Data root by epoch; blocking, so it runs in a thread."""

_POLL_SECONDS: Final = 0.5
_POLLS_PER_FILL_LOOK: Final = 10
"""Fills are looked for seldom: indexers count requests, and state is kept for many blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterSettings:
    """What this reporter signs for and how fast it must have seen it (nanoseconds)."""

    domain: Domain
    accounts: tuple[VenueAccount, ...]
    capture_limit_ns: int


@dataclass(slots=True)
class _Watch:
    """What the watcher remembers between polls; all of it can be found again."""

    missed: dict[int, Refusal] = field(default_factory=dict)
    seen_heights: dict[str, int] = field(default_factory=dict)
    market_ids: dict[str, int] = field(default_factory=dict)
    pruned: set[tuple[int, int]] = field(default_factory=set)


class ReporterService:
    """Signs what it recomputed itself, and nothing else; never two reports for one cut."""

    def __init__(
        self,
        settings: ReporterSettings,
        account: LocalAccount,
        chain: CutSource,
        venue: tuple[Validator, Indexer],
        store: CaptureStore,
        *,
        clock: Clock,
        root_at_cut: RootAtCut,
    ) -> None:
        self._settings = settings
        self._account = account
        self._chain = chain
        self._validator, self._indexer = venue
        self._store = store
        self._clock = clock
        self._root_at_cut = root_at_cut
        self._watch = _Watch()
        self._log = structlog.get_logger("keeper.reporter")
        self._signing = asyncio.Lock()

    @property
    def address(self) -> str:
        """The address whose signature this reporter gives."""
        return str(self._account.address)

    async def watch(self) -> None:
        """Capture every cut and every oracle price at a fill, until cancelled."""
        for poll in itertools.count():
            await self._try(self._capture_open_cut)
            if poll % _POLLS_PER_FILL_LOOK == 0:
                await self._try(self._capture_fill_prices)
            await self._clock.sleep(_POLL_SECONDS)

    async def watch_once(self) -> None:
        """Look for both once; an unreachable node or venue is for the next look."""
        await self._try(self._capture_open_cut)
        await self._try(self._capture_fill_prices)

    async def answer(self, proposed: Report | None) -> SignedReport | Refusal:
        """Recompute the open cut's report and sign it, unless a number stands against it.

        Raises ChainUnavailable, VenueUnavailable, WireError, OSError.
        """
        async with self._signing:
            cut = await self._chain.open_cut()
            if cut is None:
                return Refusal(code="NO_OPEN_CUT", subject="state", ours="OPEN", theirs="CUT")
            if self.address not in cut.reporters:
                return Refusal(
                    code="NOT_A_REPORTER", subject="setId", ours=self.address, theirs=cut.set_id
                )
            report = await self._recompute(cut)
            if isinstance(report, Refusal):
                return report
            difference = first_difference(report, proposed) if proposed is not None else None
            return difference or self._sign(report)

    # Signing

    def _sign(self, report: Report) -> SignedReport | Refusal:
        digest = digest_of(self._settings.domain, report)
        text = "0x" + digest.hex()
        name = f"signed-{report.epoch:08d}-{report.prev_hash[2:18]}.json"
        earlier = self._store.read(name)
        if earlier is not None:
            signed = msgspec.json.decode(earlier, type=SignedReport)
            if signed.digest != text:
                return Refusal(
                    code="SIGNED_OTHER", subject="digest", ours=signed.digest, theirs=text
                )
            return signed
        signed = SignedReport(
            report=report,
            digest=text,
            signer=self.address,
            signature=sign_digest(digest, self._account),
        )
        self._store.write(name, msgspec.json.encode(signed))
        return signed

    # Recomputation

    async def _recompute(self, cut: OpenCut) -> Report | Refusal:
        capture = self._store.load(cut.epoch, cut.time)
        if capture is None:
            missed = self._watch.missed.get(cut.epoch)
            return missed or Refusal(
                code="NO_CAPTURE", subject="epoch", ours="none", theirs=cut.epoch
            )
        behind = await self._indexer_behind(capture)
        if behind is not None:
            return behind
        legs = []
        for index, leg in enumerate(capture.legs):
            inputs = await self._inputs(cut, index, leg)
            if isinstance(inputs, Refusal):
                return inputs
            legs.append(inputs)
        root = await self._data_root(cut)
        if isinstance(root, Refusal):
            return root
        return build_report(cut, legs, self._store.price, root)

    async def _data_root(self, cut: OpenCut) -> str | Refusal:
        """Root of the keeper's log; there need be none before a venue was entrusted with assets."""
        if not any(cut.sent):
            return ZERO32
        return await asyncio.to_thread(self._root_at_cut, cut.epoch)

    async def _indexer_behind(self, capture: Capture) -> Refusal | None:
        height = await self._indexer.height()
        needed = max((leg.height for leg in capture.legs), default=0)
        if height >= needed:
            return None
        return Refusal(code="INDEXER_BEHIND", subject="height", ours=needed, theirs=height)

    async def _inputs(self, cut: OpenCut, index: int, capture: LegCapture) -> LegInputs | Refusal:
        account = self._account_of(capture.adapter)
        last = cut.last_legs[index] if cut.last_legs else None
        before = await self._before(account, last)
        if isinstance(before, Refusal):
            return before
        above, upto = (last.venue_height if last else 0), capture.height
        await self._prices_at_fills(account, above)
        numbers = account.subaccounts
        fills = [f for n in numbers for f in await self._indexer.fills(account.address, n, above)]
        fundings = [
            f for n in numbers for f in await self._indexer.fundings(account.address, n, above)
        ]
        transfers = [
            t for n in numbers for t in await self._indexer.transfers(account.address, n, above)
        ]
        return LegInputs(
            account=account,
            capture=capture,
            before=before,
            last=last,
            sent=cut.sent[index],
            fills=tuple(f for f in fills if f.height <= upto),
            fundings=tuple(f for f in fundings if f.height <= upto),
            transfers=tuple(t for t in transfers if t.height <= upto),
        )

    async def _before(self, account: VenueAccount, last: Leg | None) -> LegCapture | Refusal | None:
        """The capture the last report rests on; committed state can still be read where kept."""
        if last is None:
            return None
        kept = self._store.leg_at(account.address, last.venue_height)
        if kept is not None:
            return kept
        try:
            return await capture_leg(account, last.venue_height, self._validator, self._clock)
        except StateOutOfReach:
            return Refusal(
                code="NO_PREVIOUS_CAPTURE",
                subject="venueHeight",
                ours="none",
                theirs=last.venue_height,
            )

    def _account_of(self, adapter: str) -> VenueAccount:
        return next(a for a in self._settings.accounts if a.adapter.lower() == adapter.lower())

    # Watching

    async def _capture_open_cut(self) -> None:
        cut = await self._chain.open_cut()
        if cut is None or self._store.load(cut.epoch, cut.time) is not None:
            return
        capture = await capture_cut(
            cut,
            self._settings.accounts,
            self._validator,
            self._clock,
            self._settings.capture_limit_ns,
        )
        if isinstance(capture, Refusal):
            if self._watch.missed.get(cut.epoch) is None:
                self._log.error("cut not captured", epoch=cut.epoch, code=capture.code)
            self._watch.missed[cut.epoch] = capture
        elif capture is not None:
            self._store.save(capture)
            heights = [leg.height for leg in capture.legs]
            self._log.info("cut captured", epoch=cut.epoch, heights=heights)

    async def _capture_fill_prices(self) -> None:
        for account in self._settings.accounts:
            await self._prices_at_fills(account, self._watch.seen_heights.get(account.address, 0))

    async def _prices_at_fills(self, account: VenueAccount, above: int) -> None:
        """Keep the oracle price of every fill above a height; pruned ones stay missing."""
        newest = above
        for number in account.subaccounts:
            for fill in await self._indexer.fills(account.address, number, above):
                newest = max(newest, fill.height)
                market = await self._market_id(fill.ticker)
                if market is not None and self._store.price(fill.height, market) is None:
                    await self._keep_price(fill.height, market)
        # The newest height may still receive rows: look at it again next time.
        self._watch.seen_heights[account.address] = max(0, newest - 1)

    async def _keep_price(self, height: int, market: int) -> None:
        if (height, market) in self._watch.pruned:
            return
        try:
            self._store.save_price(height, market, await self._validator.price(market, height))
        except StateOutOfReach as error:
            self._watch.pruned.add((height, market))
            self._log.error("no oracle price at a fill", height=height, error=str(error))

    async def _market_id(self, ticker: str) -> int | None:
        if ticker not in self._watch.market_ids:
            height = (await self._validator.latest()).height
            listed = decode_perpetuals(await self._validator.perpetuals(height))
            self._watch.market_ids = {p.ticker: p.market_id for p in listed.values()}
        return self._watch.market_ids.get(ticker)

    async def _try(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except AthanorError as error:
            self._log.warning("not reachable, trying again", error=str(error))
