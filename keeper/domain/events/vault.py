"""What the EVM chain tells about the vault: its state, its duties, the reports on it."""

import msgspec

from keeper.domain.reports import Report

__all__ = ["AdapterState", "Claimable", "DutiesObserved", "ReportCollected", "VaultObserved"]


class AdapterState(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter of the vault: cumulative flows and value in asset token units.

    Of an attested adapter the value is 0; of another one it already contains the flows.
    `requested` is what was ever asked home from a CLOB adapter, 0 of another one.
    """

    adapter: str
    attested: bool
    sent: int
    returned: int
    requested: int
    value_bid: int
    value_ask: int


class VaultObserved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The vault's state at an EVM block, in asset token units. Key: (block_number, block_hash).

    `owed_assets` is what cut and open redemption requests are worth at the settled price. `cut_at`
    and `last_settled_at` are the times of the last cut and settlement (unix s, 0: never). `supply`
    are share units, `deposits_waiting` asset units of cut and open requests.
    The mandate allows no new risk before `losses_refilled_at` and `paused_until`, unix seconds.
    `asset_price` is the asset's in its quote, with `asset_price_decimals`, answered by a feed at
    `asset_priced_at` (unix s; 0: no feed is read). `other_keeper` is whom the contract names its
    keeper, where that is not the account that this process sends from; empty where it is.
    """

    block_number: int
    block_hash: str
    block_timestamp: int
    state: str
    epoch: int
    next_cut_at: int
    cut_at: int
    last_settled_at: int
    supply: int
    deposits_waiting: int
    idle: int
    accepted_nav: int
    owed_assets: int
    venue_cap_bps: int
    min_on_chain_bps: int
    adapters: tuple[AdapterState, ...]
    losses_refilled_at: int = 0
    paused_until: int = 0
    asset_price: int = 0
    asset_price_decimals: int = 0
    asset_priced_at: int = 0
    other_keeper: str = ""


class Claimable(msgspec.Struct, frozen=True, kw_only=True):
    """What was settled for a controller that named us its operator, and is not claimed yet.

    Deposits in asset units; redemptions in share units and the asset units set aside for them.
    """

    controller: str
    deposit_assets: int
    redeem_shares: int
    redeem_assets: int


class DutiesObserved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a vault owes its depositors at an EVM block. Key: (block_number, block_hash).

    `unpaid_since` is the time of the oldest cut of which more than 1 % of the redemptions is
    neither paid nor cancelled (unix s, 0: none); a part of the keeper's stake may be burnt for it
    at `penalty_due_at` (unix s, 0: nothing can be). `stake_bound` is the accepted NAV that the
    stake lets deposits fill up to (asset units), None where it does not bound them.
    """

    block_number: int
    block_hash: str
    block_timestamp: int
    unpaid_since: int
    claims: tuple[Claimable, ...]
    penalty_due_at: int = 0
    stake_bound: int | None = None


class ReportCollected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the reporters said about a cut. Key: (epoch, content).

    `report` is what most signers agree on to the unit, None when nobody signed; `signatures` are
    theirs, `refusals` the reasons of the others.
    """

    epoch: int
    report: Report | None
    signatures: tuple[str, ...]
    quorum: int
    refusals: tuple[str, ...]
