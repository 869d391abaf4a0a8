"""Reads the bonds through their lens: markets, projects, notes, and a Dutch auction's state.

Amounts are token, asset or share units; a price is whole assets per whole token with 36 decimals;
times are unix seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from keeper.chain.calls import Block, Call, view
from keeper.chain.codec import checksum
from keeper.domain.errors import AthanorError
from keeper.markets.bonds import DutchAuction, Lot, scale_of

__all__ = [
    "BondReader",
    "BondUnknown",
    "Change",
    "MarketTerms",
    "MarketView",
    "NoteView",
    "OracleSource",
    "Parts",
    "Pool",
    "ProjectView",
    "Reads",
]

_LENS: Final = "BondLens"
_TELLER: Final = "BondTeller"
_AUCTIONEER: Final = "DutchAuctioneer"
"""Its ABI has what every auctioneer answers."""
_PAGE: Final = 25


class BondUnknown(AthanorError):
    """Raised when there is no such market, project or note, or it cannot be read."""


class Reads(Protocol):
    """What a reader needs of a wallet: reads at one block, single answers unwrapped."""

    async def read(self, calls: Sequence[Call], block: Block | str = ...) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The contracts beside a lens; auctioneers by kind."""

    teller: str
    note: str
    factory: str
    auctioneers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pool:
    """A project's own market, as `IVaultFactory.Pool`; the fee in ppm."""

    pool: str
    token: str
    fee: int
    feed: str


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """What a market is for ever, as `IBondTeller.Market`; durations in seconds."""

    project: str
    auctioneer: str
    token: str
    asset: str
    vault: str
    created_at: int
    conclusion: int
    cliff: int
    vesting: int
    token_decimals: int
    asset_decimals: int
    accepts_shares: bool
    symbol: str

    @property
    def scale(self) -> int:
        """Price of one asset unit per token unit."""
        return scale_of(self.token_decimals, self.asset_decimals)


@dataclass(frozen=True, slots=True)
class MarketView:
    """A market at one block, as `IBondLens.MarketView`; `reference` is 0 where there is none."""

    market_id: int
    readable: bool
    live: bool
    priced: bool
    share_quote: bool
    terms: MarketTerms
    kind: str
    price: int
    floor: int
    reference: int
    discount_bps: int
    capacity: int
    freed: int
    available: int
    available_cost: int
    change_at: int


@dataclass(frozen=True, slots=True)
class ProjectView:
    """What a project owns, as `IBondLens.ProjectView`; `depth_share` in 1e18 of the vault."""

    project: str
    readable: bool
    owner: str
    token: str
    asset: str
    vault: str
    pool: Pool
    pol_unlock: int
    shares: int
    worth: int
    supply: int
    depth_share: int
    waiting: int
    queued: int
    redirect_to: str
    redirect_at: int


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note, as `IBondLens.NoteView` with its position."""

    note_id: int
    exists: bool
    holder: str
    market_id: int
    payout: int
    redeemed: int
    start: int
    cliff_at: int
    expiry: int
    vested: int
    redeemable: int


@dataclass(frozen=True, slots=True)
class Change:
    """An announced change; `effective_at` 0 for none."""

    capacity: int
    effective_at: int
    floor: int


@dataclass(frozen=True, slots=True)
class OracleSource:
    """Where an oracle market's price comes from, as `IOracleAuctioneer.Source`."""

    feed: str
    pool: str
    token: str
    twap_seconds: int
    max_feed_age: int
    discount_bps: int
    feed_decimals: int


@dataclass(frozen=True, slots=True)
class BondReader:
    """One lens on one node. Its methods raise ChainUnavailable, CallReverted and WireError."""

    reads: Reads
    lens: str

    async def parts(self, block: Block) -> Parts:
        """Find the contracts that the lens looks at."""
        (teller,) = await self.reads.read([view(_LENS, self.lens, "teller")], block)
        names = ("note", "factory", "auctioneers")
        note, factory, auctioneers = await self.reads.read(
            [view(_TELLER, teller, name) for name in names], block
        )
        kinds = await self.reads.read(
            [view(_AUCTIONEER, address, "kind") for address in auctioneers], block
        )
        by_kind = {
            kind: checksum(address) for kind, address in zip(kinds, auctioneers, strict=True)
        }
        return Parts(checksum(teller), checksum(note), checksum(factory), by_kind)

    async def markets(self, block: Block) -> list[MarketView]:
        """Read every market; one that cannot be read says so."""
        (teller,) = await self.reads.read([view(_LENS, self.lens, "teller")], block)
        (count,) = await self.reads.read([view(_TELLER, teller, "marketCount")], block)
        pages = [
            view(_LENS, self.lens, "markets", first, _PAGE) for first in range(1, count + 1, _PAGE)
        ]
        answers = await self.reads.read(pages, block) if pages else []
        return [_market(item) for page in answers for item in page]

    async def market(self, market_id: int, block: Block) -> MarketView:
        """Read one market. Raises BondUnknown too."""
        (answer,) = await self.reads.read([view(_LENS, self.lens, "market", market_id)], block)
        found = _market(answer)
        if not found.readable:
            raise BondUnknown(
                f"there is no market {market_id}, or it cannot be read",
                next_step="see them all: keeper bond list",
            )
        return found

    async def project(self, address: str, block: Block) -> ProjectView:
        """Read one project. Raises BondUnknown too."""
        (answer,) = await self.reads.read([view(_LENS, self.lens, "project", address)], block)
        found = _project(answer)
        if not found.readable:
            raise BondUnknown(
                f"there is no project {address}, or it cannot be read",
                next_step="a project is its treasury's address: keeper bond list --json",
            )
        return found

    async def notes(self, numbers: Sequence[int], block: Block) -> list[NoteView]:
        """Read notes by number. Raises BondUnknown for one that is gone or never was."""
        calls = [view(_LENS, self.lens, "note", number) for number in numbers]
        found = [_note(answer) for answer in await self.reads.read(calls, block)]
        for note in found:
            if not note.exists:
                raise BondUnknown(
                    f"there is no note {note.note_id}, or all of it was redeemed",
                    next_step="see what an account holds: keeper bond notes ADDRESS",
                )
        return found

    async def notes_of(self, holder: str, note: str, block: Block) -> list[NoteView]:
        """Read every note of an account; `note` is the contract of the notes."""
        (count,) = await self.reads.read([view("BondNote", note, "noteCount")], block)
        pages = [
            view(_LENS, self.lens, "notesOf", holder, first, _PAGE)
            for first in range(1, count + 1, _PAGE)
        ]
        answers = await self.reads.read(pages, block) if pages else []
        return [_note(item) for page in answers for item in page]

    async def lot(self, market: MarketView, block: Block) -> Lot:
        """Read capacity, span and floor of a market."""
        auctioneer = market.terms.auctioneer
        (answer,) = await self.reads.read(
            [view(_AUCTIONEER, auctioneer, "lot", market.market_id)], block
        )
        return _lot(answer)

    async def auction(self, market: MarketView, block: Block) -> DutchAuction:
        """Read the state of a Dutch auction."""
        auctioneer = market.terms.auctioneer
        (answer,) = await self.reads.read(
            [view(_AUCTIONEER, auctioneer, "auction", market.market_id)], block
        )
        return _auction(answer)

    async def source(self, market: MarketView, block: Block) -> OracleSource:
        """Read where the price of an oracle auction comes from."""
        auctioneer = market.terms.auctioneer
        (answer,) = await self.reads.read(
            [view("OracleAuctioneer", auctioneer, "source", market.market_id)], block
        )
        feed, pool, token, *rest = answer
        return OracleSource(checksum(feed), checksum(pool), checksum(token), *rest)

    async def change(self, market: MarketView, block: Block) -> Change:
        """Read the announced change of a market."""
        auctioneer = market.terms.auctioneer
        (answer,) = await self.reads.read(
            [view(_AUCTIONEER, auctioneer, "change", market.market_id)], block
        )
        return Change(*answer)


def _market(answer: Sequence[Any]) -> MarketView:
    fields = list(answer)
    fields[5] = _terms(fields[5])
    return MarketView(*fields)


def _terms(answer: Sequence[Any]) -> MarketTerms:
    fields: list[Any] = [checksum(address) for address in answer[:5]]
    return MarketTerms(*fields, *answer[5:])


def _project(answer: Sequence[Any]) -> ProjectView:
    fields = list(answer)
    for place in (0, 2, 3, 4, 5, 14):
        fields[place] = checksum(fields[place])
    pool, token, fee, feed = fields[6]
    fields[6] = Pool(checksum(pool), checksum(token), fee, checksum(feed))
    return ProjectView(*fields)


def _note(answer: Sequence[Any]) -> NoteView:
    number, exists, holder, position, vested, redeemable = answer
    fields: list[Any] = [number, exists, checksum(holder), *position, vested, redeemable]
    return NoteView(*fields)


def _lot(answer: Sequence[Any]) -> Lot:
    capacity, freed, opened_at, conclusion, floor, scale = answer
    return Lot(
        capacity=capacity,
        freed=freed,
        opened_at=opened_at,
        conclusion=conclusion,
        floor=floor,
        scale=scale,
    )


def _auction(answer: Sequence[Any]) -> DutchAuction:
    names = DutchAuction.__slots__
    return DutchAuction(**dict(zip(names, answer, strict=True)))
