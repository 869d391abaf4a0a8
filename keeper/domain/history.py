"""What a vault's contracts have logged so far: epochs and what depositors did, oldest first."""

import msgspec

__all__ = ["Cut", "Epoch", "Movement", "Posted", "Settled", "VaultHistory"]


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A closed epoch: assets at the cut in asset units, redemptions in share units."""

    time_s: int
    block: int
    idle: int
    leg_bid: int
    leg_ask: int
    deposit_total: int
    redeem_total: int


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """The accepted report of an epoch; asset units, `pnl` in the order of reports.CAUSES.

    `equity`, `credited` and `debited` are sums over the attested legs, the latter two cumulative.
    """

    digest: str
    data_root: str
    pnl: tuple[int, ...]
    external_flow: int
    equity: int
    credited: int
    debited: int
    venue_heights: tuple[int, ...]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement; assets in asset units, shares in share units, time of its block.

    `accepted` and `gross` are before flows; a `whole_exit` was paid at gross. `fee_shares` were
    minted before flows.
    """

    time_s: int
    block: int
    tx_hash: str
    accepted: int
    gross: int
    gross_ask: int
    fee_shares: int
    deposit_assets: int
    deposit_shares: int
    redeem_shares: int
    redeem_assets: int
    accepted_after: int
    supply_after: int
    whole_exit: bool

    @property
    def supply_before(self) -> int:
        """Supply before the settlement's flows, its fee included."""
        return self.supply_after - self.deposit_shares + self.redeem_shares

    @property
    def priced_nav(self) -> int:
        """NAV that leavers were paid by."""
        return self.gross if self.whole_exit else self.accepted


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch as far as it got: a cut is reported and settled in one transaction."""

    number: int
    cut: Cut
    posted: Posted | None = None
    settled: Settled | None = None


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """What a depositor did or got. `kind` is one of KINDS; an amount that does not apply is None.

    Asset units and share units; `account` is the request's controller.
    """

    kind: str
    time_s: int
    block: int
    tx_hash: str
    account: str
    assets: int | None = None
    shares: int | None = None


KINDS = (
    "deposit requested",
    "deposit cancelled",
    "deposit returned",
    "shares claimed",
    "redemption requested",
    "redemption cancelled",
    "shares returned",
    "assets claimed",
)


class VaultHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything up to a block; `first_block` is where the search began."""

    first_block: int
    block: int
    block_time_s: int
    epochs: tuple[Epoch, ...]
    movements: tuple[Movement, ...]
