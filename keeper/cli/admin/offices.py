"""Who holds which office of a vault, within what limits, and what waits in its timelock."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.amounts import shown
from keeper.cli.output import print_table
from keeper.domain.errors import WireError
from keeper.pages.times import clock_time, in_time, lasting

if TYPE_CHECKING:
    from keeper.chain.calls import Block
    from keeper.chain.overview import Overview
    from keeper.chain.timelock import Inner, Operation
    from keeper.wallet import Wallet

__all__ = ["Offices", "admin_data", "call_text", "print_admin", "read_offices"]

MANDATE: Final = "Mandate"
PAUSE_INTERVAL: Final = 14 * 86_400
"""Of contracts/libraries/Constants.sol: no deployment may change it, no view tells it."""
NOBODY: Final = "0x" + "00" * 20
MOST_ARGUMENT: Final = 66


@dataclass(frozen=True, slots=True)
class Offices:
    """A vault's mandate at one block; `delay` in seconds, None when its owner is no timelock."""

    overview: "Overview"
    mandate: str
    owner: str
    keeper: str
    guardian: str
    fee_recipient: str
    deposit_gate: str
    paused_until: int
    markets_hash: str
    delay: int | None

    @property
    def block(self) -> "Block":
        return self.overview.block

    @property
    def is_paused(self) -> bool:
        return self.block.timestamp < self.paused_until

    @property
    def next_pause_at(self) -> int:
        """Unix seconds of the earliest next pause; 0 for now."""
        return self.paused_until + PAUSE_INTERVAL if self.paused_until else 0


async def read_offices(wallet: "Wallet") -> Offices:
    """Read the mandate, and the owner's delay. Raises ChainUnavailable, CallReverted, WireError."""
    from keeper.chain.calls import view
    from keeper.chain.codec import checksum

    overview = await wallet.overview()
    block = overview.block
    (mandate,) = await wallet.vault_views(("mandate",), block)
    names = ("feeRecipient", "depositGate", "pausedUntil", "marketsHash")
    recipient, gate, until, markets = await wallet.read(
        [view(MANDATE, mandate, name) for name in names], block
    )
    owner = checksum(overview.views.owner)
    return Offices(
        overview=overview,
        mandate=checksum(mandate),
        owner=owner,
        keeper=checksum(overview.views.keeper),
        guardian=checksum(overview.views.guardian),
        fee_recipient=checksum(recipient),
        deposit_gate=checksum(gate),
        paused_until=until,
        markets_hash="0x" + markets.hex(),
        delay=await _delay(wallet, owner, block),
    )


async def _delay(wallet: "Wallet", owner: str, block: "Block") -> int | None:
    """The timelock's delay in seconds; None of an owner that is none of ours."""
    from keeper.chain.calls import CallReverted, view

    if not await wallet.has_code(owner, block):
        return None
    questions = [view("VaultTimelock", owner, name) for name in ("LEAST_DELAY", "getMinDelay")]
    try:
        least, delay = await wallet.try_as(NOBODY, questions, block)
    except WireError:  # a contract that answers everything with nothing, as some wallets do
        return None
    if isinstance(least, CallReverted) or isinstance(delay, CallReverted):
        return None
    return int(delay[0])


def admin_data(offices: Offices, pending: "Sequence[Operation]", chain_id: int) -> dict[str, Any]:
    """Everything `admin show` tells, as JSON; unix seconds, asset units, bps."""
    overview = offices.overview
    limits = overview.limits
    return {
        "vault": overview.vault,
        "chain_id": chain_id,
        "block": overview.block.number,
        "block_time": overview.block.timestamp,
        "mandate": offices.mandate,
        "roles": {
            "owner": offices.owner,
            "keeper": offices.keeper,
            "guardian": offices.guardian,
            "fee_recipient": offices.fee_recipient,
            "reporters": list(overview.reporting.reporters),
            "quorum": overview.reporting.quorum,
        },
        "limits": {entry.name: getattr(limits, entry.name) for entry in fields(limits)},
        "asset_symbol": overview.token.symbol,
        "asset_decimals": overview.token.decimals,
        "deposit_gate": None if offices.deposit_gate == NOBODY else offices.deposit_gate,
        "markets_hash": offices.markets_hash,
        "paused": offices.is_paused,
        "paused_until": offices.paused_until or None,
        "next_pause_at": offices.next_pause_at or None,
        "timelock_delay_seconds": offices.delay,
        "pending": [_pending(operation, offices.block.timestamp) for operation in pending],
    }


def _pending(operation: "Operation", now: int) -> dict[str, Any]:
    return {
        "id": operation.id,
        "calls": [
            {"target": call.target, "data": call.data, "text": call_text(call)}
            for call in operation.calls
        ],
        "ready_at": operation.ready_at,
        "ready": operation.ready_at <= now,
        "redemptions_up_to_epoch": operation.redemptions_up_to,
        "redemptions_unpaid": operation.unpaid,
    }


def call_text(call: "Inner") -> str:
    """A call in words: name and arguments."""
    from keeper.chain.timelock import describe_call

    name, arguments = describe_call(call)
    return f"{name}({', '.join(_argument(value) for value in arguments)})"


def _argument(value: Any) -> str:
    from keeper.chain.codec import checksum

    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_argument(item) for item in value)}]"
    if isinstance(value, str) and len(value) == len(NOBODY) and value.startswith("0x"):
        return checksum(value)
    text = str(value)
    return text if len(text) <= MOST_ARGUMENT else text[:MOST_ARGUMENT] + "..."


def print_admin(data: dict[str, Any]) -> None:
    """Print what `admin_data` returned."""
    now, roles, limits = data["block_time"], data["roles"], data["limits"]
    delay = data["timelock_delay_seconds"]
    print_table(
        [
            ("vault", data["vault"]),
            ("mandate", data["mandate"]),
            ("owner", f"{roles['owner']}, {_owner_text(delay)}"),
            ("keeper", roles["keeper"]),
            ("guardian", roles["guardian"]),
            ("fee recipient", roles["fee_recipient"]),
            ("reporters", f"{roles['quorum']} of {len(roles['reporters'])}"),
            *(("", reporter) for reporter in roles["reporters"]),
            ("deposit gate", data["deposit_gate"] or "none: everybody may deposit"),
            (
                "deposit cap",
                shown(limits["deposit_cap"], data["asset_decimals"], data["asset_symbol"]),
            ),
            ("venue cap", _percent(limits["venue_cap_bps"])),
            ("least on-chain", _percent(limits["min_on_chain_bps"])),
            ("fee", _percent(limits["fee_bps"])),
            ("keeper's stake", _percent(limits["min_stake_bps"])),
            ("pause", _pause_text(data, now)),
            ("waits in the timelock", str(len(data["pending"])) if data["pending"] else "nothing"),
        ]
    )
    for operation in data["pending"]:
        _print_operation(operation, now)


def _print_operation(operation: dict[str, Any], now: int) -> None:
    print_table(
        [
            ("", ""),
            ("operation", operation["id"]),
            *(("  does", call["text"]) for call in operation["calls"]),
            ("  ready", in_time(operation["ready_at"], now)),
            (
                "  redemptions",
                f"up to epoch {operation['redemptions_up_to_epoch']}: "
                + ("unpaid, it cannot be executed" if operation["redemptions_unpaid"] else "paid"),
            ),
        ]
    )


def _owner_text(delay: int | None) -> str:
    if delay is None:
        return "no timelock: what it decides takes effect at once"
    return f"a timelock of {lasting(delay)}"


def _pause_text(data: dict[str, Any], now: int) -> str:
    if data["paused"]:
        return f"paused until {clock_time(data['paused_until'])}"
    if data["next_pause_at"] is not None and data["next_pause_at"] > now:
        return f"none; the next may begin {in_time(data['next_pause_at'], now)}"
    return "none; one may begin now"


def _percent(bps: int) -> str:
    return f"{bps / 100:g} %"
