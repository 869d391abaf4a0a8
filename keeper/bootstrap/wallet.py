"""Opens a person's wallet on a vault: from flags alone, or from a configuration file."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keeper.chain.rpc import JsonRpc, quantity
from keeper.chain.sending import OperationSender
from keeper.chain.signing import GasPolicy, account_from_key
from keeper.clock import SystemClock
from keeper.config.secrets import private_key_of, read_key
from keeper.config.sections.keys import Key
from keeper.wallet import Wallet

__all__ = ["Access", "open_wallet"]

MAX_GAS: Final = 5_000_000
BUMP_AFTER_NS: Final = 15_000_000_000


@dataclass(frozen=True, slots=True)
class Access:
    """Where the vault is and who acts; `key` None reads only. Times in seconds."""

    rpc_url: str
    chain_id: int | None
    vault: str
    key: Key | None
    wait_seconds: int
    timeout_seconds: int
    max_fee_per_gas_wei: int


@asynccontextmanager
async def open_wallet(access: Access, environ: Mapping[str, str]) -> AsyncIterator[Wallet]:
    """Open and close a wallet. Raises KeyUnavailable, ChainUnavailable."""
    rpc = JsonRpc(access.rpc_url, timeout_seconds=access.timeout_seconds)
    sender = None
    if access.key is not None:
        secret = read_key(access.key, "account", environ=environ, folder=Path.cwd())
        account = account_from_key(private_key_of(secret, "account"))
        chain_id = access.chain_id or quantity(await rpc.call("eth_chainId"))
        sender = OperationSender(rpc, account, _gas(access), chain_id, SystemClock())
    wallet = Wallet(rpc, access.vault, sender, wait_seconds=access.wait_seconds)
    try:
        await wallet.open(access.chain_id)
        yield wallet
    finally:
        await wallet.close()


def _gas(access: Access) -> GasPolicy:
    """A person's transactions wait for their block once; fees rise up to the ceiling."""
    return GasPolicy(
        max_fee_per_gas_wei=access.max_fee_per_gas_wei,
        max_priority_fee_per_gas_wei=access.max_fee_per_gas_wei,
        max_gas=MAX_GAS,
        bump_after_ns=BUMP_AFTER_NS,
        confirmations=0,
    )
