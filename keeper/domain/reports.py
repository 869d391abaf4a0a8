"""A signed NAV report and the cut it is about, in the contracts' own layout."""

from typing import Annotated

import msgspec

__all__ = ["CAUSES", "ZERO32", "Bytes32", "Leg", "OpenCut", "Outcome", "Report", "SignedReport"]

CAUSES = ("spread", "inventory", "funding", "feesAndRebates", "incentives")
"""Order of `Report.pnl`."""

ZERO32 = "0x" + "00" * 32

Bytes32 = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{64}$")]


class Leg(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One venue account at its first block not before the cut; money in asset units (1e-6 USDC).

    `credited` and `debited` are cumulative nominal amounts bridged in and out.
    """

    equity: int
    credited: int
    debited: int
    venue_height: int


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signed content; `pnl` in the order of CAUSES, hashes as 0x and 64 hex digits."""

    epoch: int
    set_id: int
    prev_hash: Bytes32
    legs: tuple[Leg, ...]
    pnl: tuple[int, int, int, int, int]
    external_flow: int
    data_root: Bytes32
    data_cid: Bytes32


class SignedReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report with one reporter's signature (65 bytes, 0x hex) over its digest."""

    report: Report
    digest: Bytes32
    signer: str
    signature: str


class OpenCut(msgspec.Struct, frozen=True, kw_only=True):
    """A cut that awaits its report; per attested adapter, cumulative asset units at the cut.

    `last_legs` are those of the last accepted report, empty before the first.
    """

    epoch: int
    time: int
    block_number: int
    adapters: tuple[str, ...]
    sent: tuple[int, ...]
    returned: tuple[int, ...]
    set_id: int
    prev_hash: Bytes32
    last_legs: tuple[Leg, ...]
    reporters: tuple[str, ...]
    quorum: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a report does, or would do, when it is submitted; asset and share units.

    `mark_e36` is the high-water mark that `fee_shares` are measured from, in 1e-36 asset units per
    share unit. `hold` is NONE, or why the cut settles nothing (LOSS, STALE_TRANSIT, INSOLVENT):
    fee and flows are then 0.
    """

    gross: int
    gross_ask: int
    accepted: int
    stale_transit: int
    deposits_open: bool
    mark_e36: int
    hold: str
    fee_shares: int
    deposit_assets: int
    deposit_shares: int
    redeem_shares: int
    redeem_assets: int
    accepted_after: int
    supply_after: int
