"""The closed union of commands `step` may issue; ids are (run, seq, ordinal)."""

from typing import Literal

import msgspec

from keeper.domain.orders import Side, TimeInForce
from keeper.domain.reports import Report

__all__ = [
    "Allocate",
    "BurnRange",
    "CancelOrders",
    "ChainCommand",
    "Claim",
    "CloseEpoch",
    "CollectReport",
    "Command",
    "CommandId",
    "Deallocate",
    "MintRange",
    "NotePhase",
    "NoteRefusal",
    "OrderCommand",
    "PlaceOrder",
    "RaiseAlert",
    "SubmitReport",
    "SwapExactIn",
    "SyncAdapter",
]


class CommandId(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Identity of a command: run number, sequence of its event, ordinal within the step."""

    run: int
    seq: int
    ordinal: int


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Place or replace (same client_id) a short-term order.

    `quantums` is the venue's total size of the id: earlier fills count against it.
    """

    market: str
    client_id: int
    side: Side
    quantums: int
    subticks: int
    good_til_block: int
    time_in_force: TimeInForce
    reduce_only: bool


class CancelOrders(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel short-term orders of one market; good_til_block >= the highest ever sent for them."""

    market: str
    client_ids: tuple[int, ...]
    good_til_block: int


class Allocate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Move idle vault assets (token units) to an adapter."""

    adapter: str
    assets: int


class Deallocate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask an adapter for assets (token units) back; a CLOB leg answers through the treasurer."""

    adapter: str
    assets: int


class SyncAdapter(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Have an adapter collect fees and recognise arrived tokens."""

    adapter: str


class MintRange(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Add liquidity L to a range; amount maxima in token units, deadline in unix seconds."""

    adapter: str
    tick_lower: int
    tick_upper: int
    liquidity: int
    amount0_max: int
    amount1_max: int
    deadline: int


class BurnRange(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Remove liquidity L from a range; amount minima in token units, deadline in unix seconds."""

    adapter: str
    tick_lower: int
    tick_upper: int
    liquidity: int
    amount0_min: int
    amount1_min: int
    deadline: int


class SwapExactIn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Swap inside an adapter's pool; amounts in token units, always with a minimum out."""

    adapter: str
    zero_for_one: bool
    amount_in: int
    amount_out_min: int
    deadline: int


class CloseEpoch(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cut the epoch (permissionless housekeeping)."""

    epoch: int


class CollectReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask every reporter for its signed report of a cut; the answer is a ReportCollected."""

    epoch: int


class SubmitReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Settle the open cut by a report that a quorum signed; signatures as 0x hex of 65 bytes."""

    report: Report
    signatures: tuple[str, ...]


class Claim(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Collect what was settled for a controller; it is paid itself, whoever sends the claim.

    `side` is deposit (`amount` in asset units) or redeem (in share units).
    """

    side: Literal["deposit", "redeem"]
    controller: str
    amount: int


class NoteRefusal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Record that risk refused something; sent nowhere, kept in the log."""

    code: str
    subject: str
    limit: int
    value: int


class RaiseAlert(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Tell the operator; `severity` is info, warn or page."""

    severity: str
    code: str
    text: str


class NotePhase(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Record that the phase changed: by a stop, with its code and two numbers, or by a person."""

    before: str
    after: str
    code: str
    limit: int
    value: int
    operator: str
    reason: str


OrderCommand = PlaceOrder | CancelOrders
ChainCommand = (
    Allocate
    | Deallocate
    | SyncAdapter
    | MintRange
    | BurnRange
    | SwapExactIn
    | CloseEpoch
    | SubmitReport
    | Claim
)
Command = OrderCommand | ChainCommand | CollectReport | NoteRefusal | RaiseAlert | NotePhase
