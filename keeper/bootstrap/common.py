"""What every service is built from: its clock, its keys, its node, its folders."""

from collections.abc import Mapping
from pathlib import Path

from keeper.chain.calls import read_at, view
from keeper.chain.rpc import JsonRpc
from keeper.chain.signing import GasPolicy
from keeper.clock import clock_from_source
from keeper.config import LoadedConfig
from keeper.config.model import Config
from keeper.config.secrets import private_key_of, read_key
from keeper.config.sections.processes import JournalSection
from keeper.domain.errors import ConfigError
from keeper.domain.units import NS_PER_MS
from keeper.ports import Clock

__all__ = [
    "check_contracts",
    "check_venue_chain",
    "clock_of",
    "gas_policy",
    "journal_folder",
    "journal_section",
    "key_of",
    "rpc_of",
    "seconds_up",
]


def check_venue_chain(endpoint: str, found: str, wanted: str) -> None:
    """Raise ConfigError when a venue's node follows another chain than the configured one."""
    if found != wanted:
        raise ConfigError(
            f"{endpoint} is on chain {found}, not {wanted}",
            next_step="correct venue.chain_id or the endpoint",
        )


def clock_of(loaded: LoadedConfig) -> Clock:
    """Return the clock the configuration names; a relative path starts at the file."""
    source = loaded.config.clock.source
    return clock_from_source(source if source == "system" else str(loaded.path(source)))


def journal_section(loaded: LoadedConfig) -> JournalSection:
    """Return [journal]. Raises ConfigError when it is missing."""
    section = loaded.config.journal
    if section is None:
        raise ConfigError(
            f"{loaded.file} has no [journal] section",
            next_step='add: [journal] folder = "journal"',
        )
    return section


def journal_folder(loaded: LoadedConfig) -> Path:
    """Return the journal's folder for the mode. Raises ConfigError when none is configured."""
    return loaded.journal_folder(journal_section(loaded))


def key_of(loaded: LoadedConfig, role: str, environ: Mapping[str, str]) -> bytes:
    """Return the 32 bytes of a role's key. Raises KeyUnavailable."""
    source = getattr(loaded.config.keys, role)
    secret = read_key(source, role, environ=environ, folder=loaded.file.parent)
    return private_key_of(secret, role)


def rpc_of(config: Config) -> JsonRpc:
    """Return a client of the configured node."""
    return JsonRpc(config.evm.rpc_url, timeout_seconds=seconds_up(config.evm.request_timeout_ms))


async def check_contracts(rpc: JsonRpc, config: Config) -> None:
    """Make sure the node serves the chain and that vault and reporter know each other.

    Raises ChainUnavailable, ConfigError.
    """
    await rpc.check_chain(config.evm.chain_id)
    vault = config.vault.address
    if await rpc.call("eth_getCode", vault, "latest") in ("0x", ""):
        raise ConfigError(
            f"there is no contract at {vault} on chain {config.evm.chain_id}",
            next_step="correct vault.address or evm.rpc_url",
        )
    ((found,),) = await read_at(rpc, "latest", [view("MarketMakingVault", vault, "reporter")])
    if found.lower() != config.vault.reporter.lower():
        raise ConfigError(
            f"vault {vault} is wired to reporter {found}, configured is {config.vault.reporter}",
            next_step="correct vault.reporter",
        )


def gas_policy(config: Config) -> GasPolicy:
    """Return the ceilings of [evm]."""
    evm = config.evm
    return GasPolicy(
        max_fee_per_gas_wei=evm.max_fee_per_gas_wei,
        max_priority_fee_per_gas_wei=evm.max_priority_fee_per_gas_wei,
        max_gas=evm.max_gas,
        bump_after_ns=evm.fee_bump_after_ms * NS_PER_MS,
        confirmations=evm.confirmations,
    )


def seconds_up(milliseconds: int) -> int:
    """Convert to whole seconds, up."""
    return -(-milliseconds // 1_000)
