"""Builds a reporter process, and the relayer that collects signatures and submits."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from keeper.bootstrap.common import (
    check_contracts,
    check_venue_chain,
    clock_of,
    gas_policy,
    key_of,
    rpc_of,
    seconds_up,
)
from keeper.bootstrap.logs import configure_logs
from keeper.chain.reports import VaultReports
from keeper.chain.rpc import JsonRpc
from keeper.chain.sending import OperationSender
from keeper.chain.signing import account_from_key
from keeper.config import LoadedConfig
from keeper.config.model import Config, Relay, Reporter
from keeper.domain.errors import ConfigError
from keeper.domain.units import NS_PER_MS
from keeper.reporter.capture import CaptureStore, VenueAccount
from keeper.reporter.digest import Domain
from keeper.reporter.indexer import Indexer
from keeper.reporter.journal_check import JournalCheck, no_journal
from keeper.reporter.serve import ReporterServer
from keeper.reporter.service import ReporterService, ReporterSettings
from keeper.reporter.submit import Relayer
from keeper.reporter.validator import Validator

__all__ = ["open_relayer", "relayer_of", "serve_reporter"]


async def serve_reporter(loaded: LoadedConfig, environ: Mapping[str, str]) -> None:
    """Serve one reporter until cancelled, on its own connections and key.

    Raises ConfigError, KeyUnavailable, ChainUnavailable (unreachable or another chain),
    VenueUnavailable, OSError.
    """
    configure_logs()
    config, section = loaded.config, _reporter_section(loaded)
    account = account_from_key(key_of(loaded, "reporter", environ))
    rpc = JsonRpc(section.evm_rpc_url, timeout_seconds=seconds_up(config.evm.request_timeout_ms))
    deadline = config.venue.query_deadline_ms / 1_000
    validator = Validator(
        section.venue_grpc_endpoint, insecure=section.venue_grpc_insecure, deadline_seconds=deadline
    )
    indexer = Indexer(section.venue_rest_url, timeout_seconds=deadline)
    try:
        await check_contracts(rpc, config)
        endpoint = section.venue_grpc_endpoint
        check_venue_chain(endpoint, await validator.chain_id(), config.venue.chain_id)
        settings = ReporterSettings(
            domain=_domain(config),
            accounts=(_venue_account(config),),
            capture_limit_ns=section.capture_timeout_ms * NS_PER_MS,
        )
        journal = section.journal_folder
        service = ReporterService(
            settings,
            account,
            VaultReports(rpc, config.vault.address, config.vault.reporter),
            (validator, indexer),
            CaptureStore(loaded.path(section.capture_folder)),
            clock=clock_of(loaded),
            root_at_cut=JournalCheck(loaded.path(journal)).root_at_cut if journal else no_journal,
        )
        await ReporterServer(service, section.bind_host, section.bind_port).run()
    finally:
        await rpc.close()
        await indexer.close()
        await validator.close()


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
    return Relayer(_domain(config), reports, section.reporter_urls, timeout_seconds=seconds)


def _domain(config: Config) -> Domain:
    return Domain(
        chain_id=config.evm.chain_id,
        contract=config.vault.reporter,
        vault=config.vault.address,
    )


def _venue_account(config: Config) -> VenueAccount:
    venue = config.venue
    reserve = () if venue.reserve_subaccount is None else (venue.reserve_subaccount,)
    return VenueAccount(
        adapter=venue.adapter,
        address=venue.address,
        subaccounts=(venue.subaccount, *reserve),
        bridge=venue.bridge_address,
    )


def _reporter_section(loaded: LoadedConfig) -> Reporter:
    if loaded.config.reporter is None:
        raise ConfigError(
            f"{loaded.file} has no [reporter] section",
            next_step="write one with: keeper config init --role reporter",
        )
    return loaded.config.reporter


def _relay_section(loaded: LoadedConfig) -> Relay:
    if loaded.config.relay is None:
        raise ConfigError(
            f"{loaded.file} has no [relay] section",
            next_step="write one with: keeper config init --role relay",
        )
    return loaded.config.relay
