"""Builds a reporter process."""

from collections.abc import Mapping

from keeper.bootstrap.common import (
    check_contracts,
    check_venue_chain,
    clock_of,
    key_of,
    seconds_up,
)
from keeper.bootstrap.logs import configure_logs
from keeper.bootstrap.relaying import domain_of
from keeper.chain.reports import VaultReports
from keeper.chain.rpc import JsonRpc
from keeper.chain.signing import account_from_key
from keeper.config import LoadedConfig
from keeper.config.model import Config
from keeper.config.sections.processes import Reporter
from keeper.domain.errors import ConfigError
from keeper.domain.units import NS_PER_MS
from keeper.reporter.capture import CaptureStore, VenueAccount
from keeper.reporter.indexer import Indexer
from keeper.reporter.journal_check import JournalCheck, no_journal
from keeper.reporter.serve import ReporterServer
from keeper.reporter.service import ReporterService, ReporterSettings
from keeper.reporter.validator import Validator

__all__ = ["serve_reporter"]


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
            domain=domain_of(config),
            accounts=_venue_accounts(config),
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


def _venue_accounts(config: Config) -> tuple[VenueAccount, ...]:
    """The account behind the order-book leg, if the vault has one."""
    venue = config.venue
    if venue.leg is None:
        return ()
    reserve = () if venue.reserve_subaccount is None else (venue.reserve_subaccount,)
    account = VenueAccount(
        adapter=venue.leg,
        address=venue.address,
        subaccounts=(venue.subaccount, *reserve),
        bridge=venue.bridge_address,
    )
    return (account,)


def _reporter_section(loaded: LoadedConfig) -> Reporter:
    if loaded.config.reporter is None:
        raise ConfigError(
            f"{loaded.file} has no [reporter] section",
            next_step="write one with: keeper config init --role reporter",
        )
    return loaded.config.reporter
