"""Makes out a bond that somebody wrote down: every name looked up, every amount in units."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keeper.cli.access import address_of
from keeper.cli.amounts import parse_amount
from keeper.cli.bond.file import lock_seconds
from keeper.cli.durations import parse_duration
from keeper.cli.failures import ArgumentInvalid

if TYPE_CHECKING:
    from keeper.chain.bond_creation import Markets, OracleTerms
    from keeper.chain.bonds import BondReader, Parts, Pool
    from keeper.chain.calls import Block
    from keeper.cli.bond.file import BondFile
    from keeper.markets.bonds import DutchTerms, Lot
    from keeper.wallet import Wallet

__all__ = ["Draft", "Found", "Reference", "TokenFacts", "make_draft"]

ERC20: Final = "MarketMakingVault"
"""Its ABI has the functions of an ERC-20."""
PRICE_DECIMALS: Final = 36
FEED: Final = "IAggregatorV3"


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token: what it calls itself, how many there are, and what the project has of it."""

    address: str
    symbol: str
    decimals: int
    supply: int
    held: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Reference:
    """What the feed of the project's pool says [price], and when it said so [unix seconds]."""

    price: int
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The project on the chain: `treasury` empty for a new one; `owner` empty there too."""

    treasury: str
    owner: str
    token: str
    vault: str
    asset: str
    markets: "Markets | None"
    pool: "Pool"
    pol_unlock: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A bond made out at one block; amounts in units, prices with 36 decimals."""

    block: "Block"
    parts: "Parts"
    found: Found
    token: TokenFacts
    asset_symbol: str
    asset_decimals: int
    reference: Reference | None
    kind: str
    lot: "Lot"
    cliff: int
    vesting: int
    accepts_shares: bool
    min_floor: int
    dutch: "DutchTerms | None"
    oracle: "OracleTerms | None"


async def make_draft(
    wallet: "Wallet", reader: "BondReader", bond: "BondFile", account: str
) -> Draft:
    """Look everything up at one block. Raises ArgumentInvalid, BondUnknown and the node's errors.

    `account` is who would create it; empty for nobody in particular.
    """
    from keeper.markets.bonds import Lot, scale_of

    block = await wallet.head()
    parts = await reader.parts(block)
    found = await _project(wallet, reader, bond, parts, block)
    token, (asset_symbol, asset_decimals) = await _tokens(wallet, found, parts, account, block)
    market = bond.market
    capacity = parse_amount(str(market.capacity), token.decimals, token.symbol)
    dutch, oracle = _dutch(bond, asset_symbol), _oracle(bond)
    min_floor = dutch.floor if dutch is not None else _min_floor(bond, asset_symbol)
    lot = Lot(
        capacity=capacity,
        freed=0,
        opened_at=block.timestamp,
        conclusion=block.timestamp + parse_duration(market.duration),
        floor=min_floor,
        scale=scale_of(token.decimals, asset_decimals),
    )
    return Draft(
        block=block,
        parts=parts,
        found=found,
        token=token,
        asset_symbol=asset_symbol,
        asset_decimals=asset_decimals,
        reference=await _reference(wallet, found.pool, block),
        kind=market.auction,
        lot=lot,
        cliff=_seconds_or_none(market.cliff),
        vesting=parse_duration(market.vesting),
        accepts_shares=market.accepts_shares,
        min_floor=min_floor,
        dutch=dutch,
        oracle=oracle,
    )


async def _project(
    wallet: "Wallet", reader: "BondReader", bond: "BondFile", parts: "Parts", block: "Block"
) -> Found:
    part = bond.project
    if part.treasury:
        seen = await reader.project(address_of(part.treasury), block)
        return Found(
            treasury=seen.project,
            owner=seen.owner,
            token=seen.token,
            vault=seen.vault,
            asset=seen.asset,
            markets=None,
            pool=seen.pool,
            pol_unlock=seen.pol_unlock,
        )
    from keeper.chain.calls import view
    from keeper.chain.codec import checksum

    token, vault = address_of(part.token), address_of(part.vault)
    markets = await _markets(wallet, parts.factory, vault, block)
    (asset,) = await wallet.read([view(ERC20, vault, "asset")], block)
    return Found(
        treasury="",
        owner="",
        token=token,
        vault=vault,
        asset=checksum(asset),
        markets=markets,
        pool=_pool(markets, token, part.pool),
        pol_unlock=lock_seconds(part.lock_until),
    )


async def _markets(wallet: "Wallet", factory: str, vault: str, block: "Block") -> "Markets":
    from keeper.chain.bond_creation import CREATED, markets_of
    from keeper.chain.event_logs import Span

    logs = await wallet.logs("VaultFactory", factory, CREATED, Span(0, block.number))
    markets = markets_of(logs, vault)
    if markets is None:
        raise ArgumentInvalid(
            f"the factory {factory} did not make the vault {vault}",
            next_step="name a vault of that factory whose markets are the project's",
        )
    return markets


def _pool(markets: "Markets", token: str, wanted: str) -> "Pool":
    """The pool of the token; a name is needed where there are several."""
    pools = [pool for pool in markets.pools if pool.token == token]
    if wanted:
        pools = [pool for pool in pools if pool.pool == address_of(wanted)]
    if len(pools) != 1:
        raise ArgumentInvalid(
            f"the vault may quote {len(pools)} pools of {token}"
            + (f" at {wanted}" if wanted else ""),
            next_step="name one of its pools in [project] pool"
            if len(pools) > 1
            else "name a vault that may quote a pool of the token",
        )
    return pools[0]


async def _tokens(
    wallet: "Wallet", found: Found, parts: "Parts", account: str, block: "Block"
) -> tuple[TokenFacts, tuple[str, int]]:
    from keeper.chain.calls import view

    token, asset, holder = found.token, found.asset, account or parts.teller
    symbol, decimals, supply, held, allowed, asset_symbol, asset_decimals = await wallet.read(
        [
            *(view(ERC20, token, name) for name in ("symbol", "decimals", "totalSupply")),
            view(ERC20, token, "balanceOf", holder),
            view(ERC20, token, "allowance", holder, parts.teller),
            *(view(ERC20, asset, name) for name in ("symbol", "decimals")),
        ],
        block,
    )
    held, allowed = (held, allowed) if account else (0, 0)
    facts = TokenFacts(token, symbol, decimals, supply, held, allowed)
    return facts, (asset_symbol, asset_decimals)


async def _reference(wallet: "Wallet", pool: "Pool", block: "Block") -> Reference | None:
    """What the pool's feed says; None where it has no positive answer."""
    from keeper.chain.calls import view

    answer, decimals = await wallet.read(
        [view(FEED, pool.feed, name) for name in ("latestRoundData", "decimals")], block
    )
    _, price, _, updated_at, _ = answer
    if price <= 0:
        return None
    return Reference(price * 10**PRICE_DECIMALS // 10**decimals, updated_at)


def _price(value: str | int, symbol: str) -> int:
    return parse_amount(str(value), PRICE_DECIMALS, symbol)


def _dutch(bond: "BondFile", symbol: str) -> "DutchTerms | None":
    from keeper.markets.bonds import DutchTerms

    part = bond.dutch
    if part is None:
        return None
    return DutchTerms(
        price=_price(part.price, symbol),
        floor=_price(part.floor, symbol),
        deposit_interval=parse_duration(part.deposit_interval),
        debt_buffer_bps=part.debt_buffer_bps,
    )


def _oracle(bond: "BondFile") -> "OracleTerms | None":
    from keeper.chain.bond_creation import OracleTerms

    part = bond.oracle
    if part is None:
        return None
    window = parse_duration(part.window)
    return OracleTerms(
        twap_seconds=window if part.source == "twap" else 0,
        max_feed_age=window if part.source == "feed" else 0,
        discount_bps=part.discount_bps,
        max_discount_bps=part.max_discount_bps,
    )


def _min_floor(bond: "BondFile", symbol: str) -> int:
    if bond.oracle is None:
        raise ArgumentInvalid("no auction has terms", next_step="see config/bonds/example.toml")
    return _price(bond.oracle.min_floor, symbol)


def _seconds_or_none(text: str) -> int:
    """A duration that may be none at all: "0", "0d"."""
    return 0 if text.strip().rstrip("smhdw") == "0" else parse_duration(text)
