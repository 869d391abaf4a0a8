"""What became of what we sent: results, signed bytes, receipts, and what an adapter logged."""

import msgspec

from keeper.domain.commands import CommandId

__all__ = ["AdapterEffect", "CommandResult", "TransactionMined", "TransactionSigned"]


class CommandResult(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of a command. Key: command.

    outcome: ACK (the venue took it), REJECTED (its word, with code), UNKNOWN (time-out or
    transport error: never the end of an order), DROPPED (too old to send, nothing left us),
    SHADOW (a run that sends nothing: the core goes on as if an order had been taken).
    """

    command: CommandId
    outcome: str
    code: int
    codespace: str
    detail: str
    tx_hash: str


class TransactionSigned(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Signed bytes of an EVM command, logged before broadcast; a retry sends the same bytes."""

    command: CommandId
    nonce: int
    raw: str
    tx_hash: str


class AdapterEffect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event that an adapter logged in a transaction of ours.

    kind: mint, burn, collect, swap (`amount0`, `amount1` into the adapter's idle balances, in token
    units, negative when they left), allocate, deallocate, sync (`assets` from the vault, negative
    when they went back; `requested` is what a deallocation asked for), all in asset units.
    """

    log_index: int
    adapter: str
    kind: str
    tick_lower: int = 0
    tick_upper: int = 0
    liquidity: int = 0
    amount0: int = 0
    amount1: int = 0
    assets: int = 0
    requested: int = 0


class TransactionMined(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Receipt of an EVM command; gas in wei. Key: (tx_hash, block_hash).

    `effects` are the adapters' events in it; one that reverted has none.
    """

    command: CommandId
    tx_hash: str
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    effective_gas_price: int
    final: bool
    effects: tuple[AdapterEffect, ...] = ()
