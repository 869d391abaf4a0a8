"""Lays out the creation of projects and bond markets, and finds what a vault may be traded on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode

from keeper.chain.bonds import Pool
from keeper.chain.calls import Call, view
from keeper.chain.codec import checksum
from keeper.chain.event_logs import Log
from keeper.markets.bonds import DutchTerms

__all__ = [
    "CREATED",
    "MarketParams",
    "Markets",
    "OracleTerms",
    "ProjectParams",
    "creation",
    "dutch_data",
    "markets_of",
    "oracle_data",
]

CREATED: Final = ("Created",)
"""The factory's event that names a vault's markets."""
_DUTCH: Final = ("uint256", "uint256", "uint32", "uint32")
_ORACLE: Final = ("uint32", "uint32", "uint32", "uint32")
_TELLER: Final = "BondTeller"
_NOBODY: Final = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Markets:
    """Everywhere that a vault may be traded, as `IVaultFactory.Markets`."""

    pairs: tuple[str, ...]
    pools: tuple[Pool, ...]

    def words(self) -> tuple[Any, ...]:
        """As the contracts take it."""
        return self.pairs, tuple((p.pool, p.token, p.fee, p.feed) for p in self.pools)


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleTerms:
    """Terms of an oracle auction, seconds and bps; `twap_seconds` 0 for the feed."""

    twap_seconds: int
    max_feed_age: int
    discount_bps: int
    max_discount_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectParams:
    """A project to be set up, as `IBondTeller.ProjectParams`; `pool` is an index of the pools."""

    token: str
    vault: str
    markets: Markets
    pool: int
    pol_unlock: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParams:
    """A market to be created, as `IBondTeller.MarketParams`; `project` empty for a new one."""

    project: str
    auctioneer: str
    capacity: int
    duration: int
    cliff: int
    vesting: int
    accepts_shares: bool
    terms: bytes


def dutch_data(terms: DutchTerms) -> bytes:
    """Encode a Dutch auction's terms. Raises eth_abi's EncodingError."""
    values = (terms.price, terms.floor, terms.deposit_interval, terms.debt_buffer_bps)
    return encode(_DUTCH, values)


def oracle_data(terms: OracleTerms) -> bytes:
    """Encode an oracle auction's terms. Raises eth_abi's EncodingError."""
    values = (
        *(terms.twap_seconds, terms.max_feed_age),
        *(terms.discount_bps, terms.max_discount_bps),
    )
    return encode(_ORACLE, values)


def creation(
    teller: str,
    project: ProjectParams | None,
    market: MarketParams,
    *,
    min_floor: int,
    deadline: int,
) -> Call:
    """Describe the one call that creates a market, with its project where that is new."""
    words = (
        *(market.project or _NOBODY, market.auctioneer, market.capacity, market.duration),
        *(market.cliff, market.vesting, market.accepts_shares, market.terms),
    )
    if project is None:
        return view(_TELLER, teller, "createMarket", words, min_floor, deadline)
    new = (
        *(project.token, project.vault, project.markets.words(), project.pool),
        project.pol_unlock,
    )
    return view(_TELLER, teller, "createProjectAndMarket", new, words, min_floor, deadline)


def markets_of(logs: Sequence[Log], vault: str) -> Markets | None:
    """Find a vault's markets among the factory's `Created` logs; None for no vault of it."""
    for log in logs:
        if log.values["vault"].lower() == vault.lower():
            pairs, pools = log.values["markets"]
            return Markets(
                tuple(pairs),
                tuple(Pool(checksum(p[0]), checksum(p[1]), p[2], checksum(p[3])) for p in pools),
            )
    return None
