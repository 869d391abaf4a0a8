"""Builds the relayer that collects signatures, and submits where it has a key to pay with."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from keeper.bootstrap.common import check_contracts, clock_of, gas_policy, key_of, rpc_of
from keeper.chain.reports import VaultReports
from keeper.chain.rpc import JsonRpc
from keeper.chain.sending import OperationSender
from keeper.chain.signing import account_from_key
from keeper.config import LoadedConfig
from keeper.config.model import Config
from keeper.config.sections.processes import Relay
from keeper.domain.errors import ConfigError
from keeper.reporter.digest import Domain
from keeper.reporter.submit import Relayer

__all__ = ["domain_of", "open_relayer", "relayer_of"]


@asynccontextmanager
async def open_relayer(
    loaded: LoadedConfig, environ: Mapping[str, str], *, may_send: bool
) -> AsyncIterator[Relayer]:
    """Open and close the relayer; only one that may send needs the relayer's key.

    Raises ConfigError, KeyUnavailable, ChainUnavailable.
    """
    config, section = loaded.config, _relay_section(loaded)
    rpc = rpc_of(config)
    try:
        await check_contracts(rpc, config)
        sender = None
        if may_send:
            account = account_from_key(key_of(loaded, "relayer", environ))
            gas = gas_policy(config)
            sender = OperationSender(rpc, account, gas, config.evm.chain_id, clock_of(loaded))
        yield relayer_of(config, section, rpc, sender)
    finally:
        await rpc.close()


def relayer_of(
    config: Config, section: Relay, rpc: JsonRpc, sender: OperationSender | None
) -> Relayer:
    """Build a relayer; one without a sender only asks."""
    reports = VaultReports(rpc, config.vault.address, config.vault.reporter, sender)
    seconds = section.request_timeout_ms / 1_000
    return Relayer(domain_of(config), reports, section.reporter_urls, timeout_seconds=seconds)


def domain_of(config: Config) -> Domain:
    """Return what signatures of this vault's reporters are bound to."""
    return Domain(
        chain_id=config.evm.chain_id,
        contract=config.vault.reporter,
        vault=config.vault.address,
    )


def _relay_section(loaded: LoadedConfig) -> Relay:
    if loaded.config.relay is None:
        raise ConfigError(
            f"{loaded.file} has no [relay] section",
            next_step="write one with: keeper config init --role relay",
        )
    return loaded.config.relay
