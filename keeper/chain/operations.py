"""Chain commands as calldata: the whole list of calls a keeper key ever signs."""

from dataclasses import dataclass

from keeper.chain.calls import Call
from keeper.chain.codec import contract
from keeper.chain.report_calls import submission
from keeper.domain.commands import (
    Allocate,
    BurnRange,
    ChainCommand,
    Claim,
    CloseEpoch,
    Deallocate,
    MintRange,
    SubmitReport,
    SwapExactIn,
    SyncAdapter,
)

__all__ = ["Contracts", "Operation", "encode_operation", "operation_of"]


@dataclass(frozen=True, slots=True)
class Operation:
    """A call to be made: target address and 0x-prefixed calldata; never carries ether."""

    to: str
    data: str


@dataclass(frozen=True, slots=True)
class Contracts:
    """The vault and its NavReporter; adapters are named by the commands."""

    vault: str
    reporter: str


def operation_of(call: Call) -> Operation:
    """Lay a described call out. Raises eth_abi's EncodingError when a value does not fit."""
    return Operation(call.to, call.function.encode(*call.arguments))


def _vault_call(vault: str, name: str, *arguments: object) -> Operation:
    function = contract("MarketMakingVault").function(name, len(arguments))
    return Operation(vault, function.encode(*arguments))


def _pool_call(adapter: str, name: str, *arguments: object) -> Operation:
    function = contract("UniswapV3Adapter").function(name, len(arguments))
    return Operation(adapter, function.encode(*arguments))


def encode_operation(contracts: Contracts, command: ChainCommand) -> Operation:
    """Lay a command out as a call. Raises eth_abi's EncodingError when a value does not fit."""
    vault = contracts.vault
    match command:
        case Allocate(adapter=adapter, assets=assets):
            return _vault_call(vault, "allocate", adapter, assets)
        case Deallocate(adapter=adapter, assets=assets):
            return _vault_call(vault, "deallocate", adapter, assets)
        case CloseEpoch():
            return _vault_call(vault, "closeEpoch")
        case SubmitReport(report=report, signatures=signatures):
            return operation_of(submission(contracts.reporter, report, signatures))
        case Claim(side=side, controller=controller, amount=amount):
            # To the controller itself: no claim of ours pays anybody else.
            return _vault_call(vault, side, amount, controller, controller)
        case SyncAdapter(adapter=adapter):
            return _pool_call(adapter, "sync")
        case MintRange() as c:
            amounts = (c.liquidity, c.amount0_max, c.amount1_max, c.deadline)
            return _pool_call(c.adapter, "mintRange", c.tick_lower, c.tick_upper, *amounts)
        case BurnRange() as c:
            amounts = (c.liquidity, c.amount0_min, c.amount1_min, c.deadline)
            return _pool_call(c.adapter, "burnRange", c.tick_lower, c.tick_upper, *amounts)
        case SwapExactIn() as c:
            bounds = (c.amount_out_min, c.deadline)
            return _pool_call(c.adapter, "swapExactIn", c.zero_for_one, c.amount_in, *bounds)
