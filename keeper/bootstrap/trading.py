"""Builds the trading keeper: venue, chain, journal, engine and control socket; runs it."""

import asyncio
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from keeper.bootstrap.common import (
    check_contracts,
    clock_of,
    journal_folder,
    journal_section,
)
from keeper.bootstrap.feeds import leader_sources
from keeper.bootstrap.logs import configure_logs
from keeper.bootstrap.ports import open_ports
from keeper.config import LoadedConfig, config_hash, params_hash, to_step_settings
from keeper.config.model import Config
from keeper.control.server import ControlServer
from keeper.domain.errors import ConfigError
from keeper.domain.events import SCHEMA_VERSION, Reconciled, RunStarted, SubaccountObserved
from keeper.domain.settings import StepSettings
from keeper.engine import Engine
from keeper.journal import JournalOptions, JournalReader, JournalWriter
from keeper.pages.status import status_of
from keeper.release import running_release

__all__ = [
    "LogAlerts",
    "Services",
    "build_engine",
    "run_keeper",
]

CLIENT_ID_BITS = 32
SEED_BITS = 63


class LogAlerts:
    """Alerts as log lines on stderr; one a person watches, or a collector forwards."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("keeper.alerts")

    async def send(self, severity: str, code: str, text: str) -> None:
        self._log.warning(text, severity=severity, code=code)


@dataclass(frozen=True, slots=True)
class Services:
    """A keeper ready to run; the engine owns venue, chain and journal and closes them."""

    engine: Engine
    control: ControlServer


async def build_engine(loaded: LoadedConfig, environ: Mapping[str, str]) -> Services:
    """Read the keys of a live run, check the node, open the journal and wire the engine.

    Raises ConfigError, KeyUnavailable, ChainUnavailable, CallReverted, JournalCorrupt.
    """
    config, settings, clock = loaded.config, to_step_settings(loaded.config), clock_of(loaded)
    folder, section = journal_folder(loaded), journal_section(loaded)
    clock.now_ns()  # a world clock that is gone ends the start here, not in the loop
    ports = open_ports(loaded, settings, clock, environ, _resume_height(folder))
    try:
        await check_contracts(ports.rpc, config)
        await ports.check_chain()
        options = JournalOptions(
            max_segment_bytes=section.segment_bytes, sync_interval_ms=section.sync_interval_ms
        )
        journal = JournalWriter.open(folder, options)
    except BaseException:
        await ports.close()
        raise
    started = run_started(config, settings)
    sources = leader_sources(config, clock)
    engine = Engine(journal, clock, ports.venue, ports.chain, LogAlerts(), started, sources=sources)

    def status() -> dict[str, Any]:
        return status_of(engine.state, clock.now_ns())

    tickers = tuple(market.ticker for market in config.markets)
    return Services(engine, ControlServer(folder, engine.ingest, status, tickers))


def run_started(config: Config, settings: StepSettings) -> RunStarted:
    """Return the first record of a run; the engine sets its number."""
    release = running_release()
    return RunStarted(
        run=0,
        schema=SCHEMA_VERSION,
        package_version=release.version,
        wheel_hash=release.wheel_hash,
        config_hash=config_hash(config),
        params_hash=params_hash(settings),
        settings=settings,
        vault=config.vault.address,
        evm_chain_id=config.evm.chain_id,
        venue_chain_id=config.venue.chain_id,
        subaccount=f"{config.venue.address}/{config.venue.subaccount}",
        client_id_base=secrets.randbits(CLIENT_ID_BITS),
        seed=secrets.randbits(SEED_BITS),
        mode=config.mode,
    )


def _resume_height(folder: Path) -> int | None:
    """Return the venue height the journal last knew the account at. Raises JournalCorrupt."""
    if not folder.is_dir():
        return None
    height = None
    for step in JournalReader(folder).steps():
        if isinstance(step.event, SubaccountObserved | Reconciled):
            height = step.event.height
    return height


async def run_keeper(loaded: LoadedConfig, environ: Mapping[str, str]) -> None:
    """Run in the configured mode until SIGINT or SIGTERM, then cancel quotes and seal the journal.

    Raises what `build_engine` and `Engine.run` raise.
    """
    configure_logs(mode=loaded.config.mode, network=loaded.config.venue.chain_id)
    services = await build_engine(loaded, environ)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, services.engine.stop)
    control = asyncio.create_task(services.control.run())
    control.add_done_callback(lambda _: services.engine.stop())
    try:
        await services.engine.run()
    finally:
        control.cancel()
        await asyncio.wait([control])
    if not control.cancelled() and (error := control.exception()):
        raise ConfigError(
            f"the control socket failed: {error}", next_step="check XDG_RUNTIME_DIR or TMPDIR"
        ) from error
