"""Builds what `keeper venue authorise`, `prove` and `revoke` do with the owner's and hot key."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from keeper.bootstrap.common import check_venue_chain, clock_of
from keeper.bootstrap.ports import dydx_settings
from keeper.bootstrap.signers import signer_of
from keeper.config import LoadedConfig
from keeper.config.secrets import KeyUnavailable
from keeper.domain.errors import ConfigError
from keeper.domain.instruments import PerpetualMarket
from keeper.venues.dydx.account import Wallet, open_wallet
from keeper.venues.dydx.authorising import Grant, Registered, register, revoke
from keeper.venues.dydx.directory import load_listings
from keeper.venues.dydx.keys import Signer, address_of
from keeper.venues.dydx.links import Links, make_links
from keeper.venues.dydx.mapping import whole
from keeper.venues.dydx.permitting import account_number, known_account
from keeper.venues.dydx.probing import Finding, Prober
from keeper.venues.dydx.proving import HotKey, Proof, prove
from keeper.venues.dydx.signing import TxSigner

__all__ = [
    "Authorised",
    "authorise_hot_key",
    "probe_venue",
    "prove_hot_key",
    "revoke_hot_key",
]

REAL_MONEY: Final = "dydx-mainnet-1"


@dataclass(frozen=True, slots=True)
class Authorised:
    """A registered grant; `proofs` is None where the hot key itself was not at hand."""

    grant: Grant
    tickers: tuple[str, ...]
    registered: Registered
    proofs: tuple[Proof, ...] | None


async def authorise_hot_key(
    loaded: LoadedConfig,
    environ: Mapping[str, str],
    public_key: bytes | None,
    wait_seconds: int,
) -> Authorised:
    """Register the hot key's authenticator with the owner's key, and try what it may do.

    With `public_key` the hot key is elsewhere and nothing is tried. Raises ConfigError,
    KeyUnavailable, VenueRefused, VenueUnavailable, WireError.
    """
    async with AsyncExitStack() as stack:
        hot = None
        if public_key is None:
            hot = await stack.enter_async_context(_signing(loaded, "venue", environ))
        key = public_key if hot is None else hot.public_key
        if key is None:
            raise ConfigError("there is no hot key to authorise", next_step="give --public-key")
        links = await stack.enter_async_context(_links(loaded))
        wallet = await stack.enter_async_context(_owner(loaded, environ, links))
        if address_of(key) == wallet.address:
            raise ConfigError(
                "the hot key is the account's own: an authenticator would not limit it",
                next_step="make another key for trading: keeper keys add hot",
            )
        listings = await load_listings(links.reader, links.indexer, links.settings.markets)
        pairs = tuple(sorted(listing.market.clob_pair_id for listing in listings))
        grant = Grant(key, links.settings.subaccount, pairs)
        registered = await register(wallet, links.reader, grant, wait_seconds)
        proofs = None if hot is None else await _proofs(loaded, links, hot, registered)
    return Authorised(grant, links.settings.markets, registered, proofs)


async def prove_hot_key(loaded: LoadedConfig, environ: Mapping[str, str]) -> tuple[Proof, ...]:
    """Try what the configured hot key may do. Raises as `authorise_hot_key`."""
    chosen = loaded.config.venue.authenticator_ids
    if not chosen:
        raise ConfigError(
            "no authenticator is configured: the hot key is the account's own and could withdraw",
            next_step="register one: keeper venue authorise",
        )
    async with _signing(loaded, "venue", environ) as hot, _links(loaded) as links:
        return await _proofs(loaded, links, hot, Registered(chosen[0], ""))


async def revoke_hot_key(
    loaded: LoadedConfig, environ: Mapping[str, str], authenticator_id: int, wait_seconds: int
) -> str:
    """Remove an authenticator with the owner's key; return the transaction's hash.

    Raises as `authorise_hot_key`.
    """
    async with _links(loaded) as links, _owner(loaded, environ, links) as wallet:
        return await revoke(wallet, authenticator_id, wait_seconds)


async def probe_venue(
    loaded: LoadedConfig, environ: Mapping[str, str], *, real_money: bool
) -> tuple[Finding, ...]:
    """Try the adapter's assumptions on the first configured market, with the hot key.

    Raises ConfigError where real money is traded and `real_money` is not set, else as
    `authorise_hot_key`.
    """
    if loaded.config.venue.chain_id == REAL_MONEY and not real_money:
        raise ConfigError(
            "the probe sends orders, and this is a chain of real money",
            next_step="probe the testnet; or add --real-money: nobody fills its orders",
        )
    async with _signing(loaded, "venue", environ) as hot, _links(loaded) as links:
        settings = links.settings
        number = await account_number(settings, links.reader, hot.public_key)
        listings = await load_listings(links.reader, links.indexer, settings.markets)
        signer = TxSigner(hot, settings.chain_id, number, settings.authenticator_ids)
        window = loaded.config.venue.short_block_window
        return await Prober(links, signer, listings[0].market, window).run()


@asynccontextmanager
async def _links(loaded: LoadedConfig) -> AsyncIterator[Links]:
    links = make_links(dydx_settings(loaded.config), clock_of(loaded))
    try:
        settings = links.settings
        found = await links.reader.chain_id()
        check_venue_chain(settings.grpc_endpoint, found, settings.chain_id)
        yield links
    finally:
        await links.close()


@asynccontextmanager
async def _signing(
    loaded: LoadedConfig, role: str, environ: Mapping[str, str]
) -> AsyncIterator[Signer]:
    """A signer that has shown that it signs. Raises KeyUnavailable, SigningFailed."""
    signer = signer_of(loaded, role, environ)
    try:
        await signer.ready()
        yield signer
    finally:
        await signer.close()


@asynccontextmanager
async def _owner(
    loaded: LoadedConfig, environ: Mapping[str, str], links: Links
) -> AsyncIterator[Wallet]:
    """Yield the owner's wallet. Raises KeyUnavailable when another key is configured."""
    settings = links.settings
    async with _signing(loaded, "treasurer_venue", environ) as signer:
        if address_of(signer.public_key) != settings.address:
            raise KeyUnavailable(
                f"keys.treasurer_venue is of {address_of(signer.public_key)}, "
                f"the account is {settings.address}",
                next_step="run this where the key that owns venue.address is",
            )
        yield await open_wallet(links.node, signer, settings.chain_id, settings.fees, links.clock)


async def _proofs(
    loaded: LoadedConfig, links: Links, hot: Signer, registered: Registered
) -> tuple[Proof, ...]:
    settings = links.settings
    account = await known_account(settings, links.reader)
    inside = await load_listings(links.reader, links.indexer, settings.markets)
    key = HotKey(
        signer=hot,
        chain_id=settings.chain_id,
        address=settings.address,
        account_number=account,
        subaccount=settings.subaccount,
        authenticator_id=registered.authenticator_id,
        inside=inside[0].market,
        outside=await _outside(links, {entry.market.clob_pair_id for entry in inside}),
    )
    return await prove(links.node, key, clock_of(loaded))


async def _outside(links: Links, granted: set[int]) -> PerpetualMarket | None:
    """Return a market that trades and is not granted, the first by clob pair."""
    found = sorted(
        (whole(market.clob_pair_id), ticker)
        for ticker, market in (await links.indexer.markets()).items()
        if market.status == "ACTIVE" and whole(market.clob_pair_id) not in granted
    )
    if not found:
        return None
    (listing,) = await load_listings(links.reader, links.indexer, (found[0][1],))
    return listing.market
