"""The keeper's two ports: live ones with their keys, or a shadow's with nothing to send with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from keeper.bootstrap.common import gas_policy, key_of, rpc_of
from keeper.bootstrap.questions import AskedReporters
from keeper.bootstrap.relaying import relayer_of
from keeper.bootstrap.signers import signer_of
from keeper.chain.rpc import JsonRpc
from keeper.chain.signing import account_from_key
from keeper.chain.vault_chain import ChainSettings, EvmVaultChain, VaultFeed
from keeper.config import LoadedConfig
from keeper.config.model import Config
from keeper.domain.settings import StepSettings
from keeper.engine.shadow import ShadowPort
from keeper.ports import Clock, OrderVenue, Reporters, VaultChain
from keeper.venues.dydx.feed import DydxFeed
from keeper.venues.dydx.settings import DydxSettings
from keeper.venues.dydx.venue import DydxVenue

__all__ = ["Ports", "dydx_settings", "open_ports"]


@dataclass(frozen=True, slots=True)
class Ports:
    """Venue and chain, not connected yet; `check_chain` asks the node about the vault.

    `reporters` is None where nobody is asked for a report.
    """

    rpc: JsonRpc
    venue: OrderVenue
    chain: VaultChain
    check_chain: Callable[[], Awaitable[None]]
    reporters: Reporters | None = None

    async def close(self) -> None:
        """Close both. For a start that fails; the engine closes them otherwise."""
        await self.chain.close()
        await self.venue.close()


def open_ports(
    loaded: LoadedConfig,
    settings: StepSettings,
    clock: Clock,
    environ: Mapping[str, str],
    resume_height: int | None,
) -> Ports:
    """Build the ports of the configured mode. Raises ConfigError, KeyUnavailable (live alone)."""
    if loaded.config.mode == "shadow":
        return _shadow_ports(loaded.config, settings, clock, resume_height)
    venue = _venue(loaded, clock, environ, resume_height)
    account = account_from_key(key_of(loaded, "keeper", environ))
    rpc = rpc_of(loaded.config)

    async def logged() -> None:
        """`Engine.ingest` has the signed bytes in the log when it returns: nothing to wait for."""

    chain = EvmVaultChain(
        rpc, account, _chain_settings(loaded.config, settings), clock=clock, logged=logged
    )
    return Ports(rpc, venue, chain, chain.check, _reporters(loaded.config, rpc))


def _venue(
    loaded: LoadedConfig, clock: Clock, environ: Mapping[str, str], resume_height: int | None
) -> OrderVenue:
    """The venue with its key; of a vault without an order-book leg its feed alone."""
    settings = dydx_settings(loaded.config)
    if loaded.config.venue.leg is None:
        return ShadowPort(DydxFeed(settings, clock, resume_height=resume_height))
    signer = signer_of(loaded, "venue", environ)
    return DydxVenue(settings, signer, clock, resume_height=resume_height)


def _reporters(config: Config, rpc: JsonRpc) -> AskedReporters | None:
    """Whom a live keeper that keeps house asks for a report; a shadow asks nobody."""
    if config.housekeeping is None or config.relay is None:
        return None
    return AskedReporters(relayer_of(config, config.relay, rpc, None))


def _shadow_ports(
    config: Config, settings: StepSettings, clock: Clock, resume_height: int | None
) -> Ports:
    """Feeds alone: no key is read, and neither feed has a method that sends."""
    rpc = rpc_of(config)
    venue = DydxFeed(dydx_settings(config), clock, resume_height=resume_height)
    chain = VaultFeed(rpc, _chain_settings(config, settings), clock=clock)
    return Ports(rpc, ShadowPort(venue), ShadowPort(chain), chain.check)


def dydx_settings(config: Config) -> DydxSettings:
    """Return the adapter's settings from [venue], [[markets]] and [limits]."""
    venue = config.venue
    return DydxSettings(
        chain_id=venue.chain_id,
        grpc_endpoint=venue.grpc_endpoint,
        grpc_insecure=venue.grpc_insecure,
        grpc_fallbacks=venue.grpc_fallbacks,
        rest_url=venue.rest_url,
        ws_url=venue.ws_url,
        address=venue.address,
        subaccount=venue.subaccount,
        markets=tuple(market.ticker for market in config.markets),
        authenticator_ids=venue.authenticator_ids,
        max_messages_per_block=config.limits.max_messages_per_block if config.limits else 0,
        messages_per_minute=venue.grpc_messages_per_minute,
        place_deadline_ms=venue.place_deadline_ms,
        query_deadline_ms=venue.query_deadline_ms,
    )


def _chain_settings(config: Config, settings: StepSettings) -> ChainSettings:
    allocation = settings.allocation
    return ChainSettings(
        chain_id=config.evm.chain_id,
        vault=config.vault.address,
        reporter=config.vault.reporter,
        clob_adapters=(allocation.clob_adapter,) if allocation and allocation.clob_adapter else (),
        pools=tuple((pool.adapter, pool.pool) for pool in settings.pools),
        gas=gas_policy(config),
        poll_seconds=config.evm.poll_interval_ms / 1_000,
        logs_from_block=config.vault.deployed_block if settings.housekeeping else None,
        asset_feed=config.vault.asset_feed,
    )
