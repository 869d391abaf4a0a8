"""Builds the trading keeper: venue, chain, journal, engine and control socket; runs it."""

import asyncio
import secrets
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from keeper.bootstrap.params import Questions
from keeper.bootstrap.ports import Ports, open_ports
from keeper.config import LoadedConfig, config_hash, params_hash, to_step_settings
from keeper.config.model import Config
from keeper.control.server import ControlServer
from keeper.core.state import State
from keeper.domain.errors import ConfigError
from keeper.domain.events import SCHEMA_VERSION, RunStarted
from keeper.domain.settings import StepSettings
from keeper.engine import Engine
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE
from keeper.pages.risk import risk_of
from keeper.pages.status import status_of
from keeper.pages.working import held_of, orders_of
from keeper.ports import Clock
from keeper.release import running_release

__all__ = [
    "LogAlerts",
    "Services",
    "build_engine",
    "resting",
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
    """Read the journal and the keys of a live run, check the node and wire the engine.

    Raises ConfigError, KeyUnavailable, ChainUnavailable, CallReverted, JournalCorrupt,
    ReplayMismatch, WrongRelease.
    """
    config, settings, clock = loaded.config, to_step_settings(loaded.config), clock_of(loaded)
    clock.now_ns()  # a world clock that is gone ends the start here, not in the loop
    sequencer = _recovered(loaded, clock)
    try:
        ports = await _ports(loaded, settings, clock, environ, sequencer.carried.account_height)
    except BaseException:
        sequencer.close()
        raise
    started = run_started(config, settings)
    sources = leader_sources(config, clock)
    engine = Engine(
        *(sequencer, clock, ports.venue, ports.chain, LogAlerts(), started),
        sources=sources,
        reporters=ports.reporters,
    )

    views: dict[str, Callable[[], dict[str, Any]]] = {
        "status": lambda: status_of(engine.state, clock.now_ns()),
        "orders": lambda: orders_of(engine.state),
        "positions": lambda: held_of(engine.state),
        "risk": lambda: risk_of(engine.state),
    }
    tickers = tuple(market.ticker for market in config.markets)
    questions = Questions(loaded, lambda: engine.state, engine.ingest).answers()
    control = ControlServer(journal_folder(loaded), engine.ingest, views, tickers, questions)
    return Services(engine, control)


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


def _recovered(loaded: LoadedConfig, clock: Clock) -> Sequencer:
    """Open the journal and decide again what its newest snapshot does not hold."""
    section = journal_section(loaded)
    options = JournalOptions(
        max_segment_bytes=section.segment_bytes, sync_interval_ms=section.sync_interval_ms
    )
    sequencer = Sequencer(CORE, JournalWriter.open(journal_folder(loaded), options), clock)
    log = structlog.get_logger("keeper.journal")
    try:
        recovery = sequencer.recover()
    except BaseException:
        sequencer.close()
        raise
    for reason in recovery.passed_over:
        log.warning(f"{reason}; an older snapshot or the whole log was read instead")
    log.info(
        "journal read",
        snapshot_seq=recovery.snapshot_seq,
        decided_again=recovery.decided,
        dropped_bytes=recovery.dropped_bytes,
    )
    return sequencer


async def _ports(
    loaded: LoadedConfig,
    settings: StepSettings,
    clock: Clock,
    environ: Mapping[str, str],
    account_height: int,
) -> Ports:
    """Open both ports and ask the node about the vault."""
    resume_height = account_height if account_height >= 0 else None
    ports = open_ports(loaded, settings, clock, environ, resume_height)
    try:
        await check_contracts(ports.rpc, loaded.config)
        await ports.check_chain()
    except BaseException:
        await ports.close()
        raise
    return ports


async def run_keeper(loaded: LoadedConfig, environ: Mapping[str, str]) -> int:
    """Run in the configured mode until SIGINT or SIGTERM, then cancel quotes and seal the journal.

    Returns how many orders may still rest, for want of the venue's word that they ended.
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
    return resting(services.engine.state)


def resting(state: State) -> int:
    """Count the orders that no word of the venue has ended; a shadow run has sent none."""
    working = state.orders.working.values()
    return 0 if state.mode == "shadow" else sum(not order.ended for order in working)
