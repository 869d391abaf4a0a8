"""What a venue tells about us: fills, orders, positions, funding, transfers."""

import msgspec

from keeper.domain.orders import Liquidity, Side

__all__ = [
    "FillReceived",
    "FundingPaid",
    "OpenOrder",
    "OrderUpdated",
    "PerpetualPosition",
    "Reconciled",
    "SubaccountObserved",
    "VenueTransfer",
]


class FillReceived(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A committed fill of ours. Fee in quote quantums, positive is paid. Key: fill_id.

    `client_id` is None when the fill is unsolicited (liquidation, deleveraging).
    `quote_quantums` is the unsigned amount exchanged. `time_ns` is the block's time in unix
    nanoseconds as the venue told it with the fill, 0 when it did not.
    """

    fill_id: str
    market: str
    client_id: int | None
    side: Side
    quantums: int
    subticks: int
    quote_quantums: int
    fee_quote_quantums: int
    liquidity: Liquidity
    kind: str
    height: int
    time_ns: int = 0

    def happened_ns(self, logged_ns: int) -> int:
        """Return the venue's time of it, or the log's where the venue told none."""
        return self.time_ns or logged_ns


class OrderUpdated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The venue's word on one of our orders. Key: (client_id, good_til_block, status, filled).

    status: BEST_EFFORT_OPENED, OPEN, FILLED, BEST_EFFORT_CANCELED, CANCELED or ERROR.
    """

    market: str
    client_id: int
    status: str
    total_filled_quantums: int
    good_til_block: int | None
    removal_reason: str


class PerpetualPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A signed position in base quantums with the funding index it was last settled at."""

    market: str
    quantums: int
    funding_index: int
    quote_balance: int


class SubaccountObserved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Committed state of the trading subaccount at a height, in quote quantums. Key: height."""

    height: int
    usdc_quote_quantums: int
    positions: tuple[PerpetualPosition, ...]


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order the venue says is open."""

    market: str
    client_id: int
    side: Side
    quantums: int
    filled_quantums: int
    subticks: int
    good_til_block: int


class Reconciled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The venue's whole word at start or after a gap: state, open orders. Key: (run, height)."""

    height: int
    subaccount: SubaccountObserved
    open_orders: tuple[OpenOrder, ...]


class FundingPaid(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A settled funding payment in quote quantums, positive is received. Key: (market, height)."""

    market: str
    height: int
    quote_quantums: int


class VenueTransfer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Collateral that moved into (+) or out of (-) the subaccount. Key: transfer_id.

    `time_ns` as in `FillReceived`.
    """

    transfer_id: str
    quote_quantums: int
    counterparty: str
    height: int
    time_ns: int = 0
