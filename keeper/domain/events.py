"""The closed, versioned union of everything that can reach the step function.

Every value that came from an await, a clock, randomness, a file or a person enters here.
Natural keys named in each docstring make re-delivery harmless.
"""

from typing import Literal

import msgspec

from keeper.domain.commands import CommandId
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Liquidity, Side
from keeper.domain.reports import Report
from keeper.domain.settings import StepSettings

__all__ = [
    "SCHEMA_VERSION",
    "AdapterEffect",
    "AdapterState",
    "BlockReverted",
    "BlockSeen",
    "BookLevel",
    "BookUpdated",
    "Claimable",
    "CommandResult",
    "Conflated",
    "DutiesObserved",
    "Event",
    "FillReceived",
    "FundingPaid",
    "LeaderQuoted",
    "MarketFacts",
    "MarketListed",
    "OpenOrder",
    "OperatorCommand",
    "OraclePriced",
    "OrderUpdated",
    "ParamsChanged",
    "PerpetualPosition",
    "PoolObserved",
    "RangeState",
    "Reconciled",
    "ReportCollected",
    "RunStarted",
    "SourceDown",
    "SourceGap",
    "SourceUp",
    "SubaccountObserved",
    "Takeover",
    "TimerFired",
    "TransactionMined",
    "TransactionSigned",
    "VaultObserved",
    "VenueBlock",
    "VenueTransfer",
]

SCHEMA_VERSION = 2


class RunStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """First record of a run: all that the run depends on besides later events. Key: run.

    A run of mode shadow reads and decides like a live one; nothing of it is ever sent.
    """

    run: int
    schema: int
    package_version: str
    wheel_hash: str
    config_hash: str
    params_hash: str
    settings: StepSettings
    vault: str
    evm_chain_id: int
    venue_chain_id: str
    subaccount: str
    client_id_base: int
    seed: int
    mode: Literal["live", "shadow"] = "live"


class MarketListed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A market's parameters, at start and at each change. Key: (ticker, content)."""

    market: PerpetualMarket


class MarketFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How large a market is and what it pays, as the venue last told. Key: (market, content).

    Open interest in base quantums, the volume of 24 hours in quote quantums, both rounded down;
    the next funding rate in 1e-9 an hour, positive: longs pay.
    """

    market: str
    source: str
    open_interest: int
    volume_quote_quantums: int
    funding_ppb_per_hour: int


class BookLevel(msgspec.Struct, frozen=True, array_like=True):
    """One price level: subticks, base quantums (0 removes)."""

    subticks: int
    quantums: int


class BookUpdated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Absolute level changes of one book; a snapshot replaces it. Key: source_seq per source."""

    market: str
    source: str
    source_seq: int
    snapshot: bool
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]


class OraclePriced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The venue's oracle price: integer at the market's oracle_exponent. Key: (market, height)."""

    market: str
    source: str
    price: int
    height: int


class LeaderQuoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Best bid and ask on the market that leads ours, in 1e-8 of its own price and size.

    `market` is ours. Key: source_seq per source and market.
    """

    market: str
    source: str
    source_seq: int
    bid_e8: int
    bid_size_e8: int
    ask_e8: int
    ask_size_e8: int


class VenueBlock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A committed block of the CLOB venue; time in unix nanoseconds. Key: height."""

    height: int
    time_ns: int


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


class BlockSeen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A new head of the EVM chain; timestamp in unix seconds. Key: (number, hash).

    `base_fee_wei` is what it asks for a unit of gas, in wei.
    """

    number: int
    hash: str
    timestamp: int
    base_fee_wei: int = 0


class BlockReverted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A block that is no longer canonical. Key: (number, hash)."""

    number: int
    hash: str


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


class RangeState(msgspec.Struct, frozen=True, kw_only=True):
    """A range the adapter holds; liquidity is L."""

    tick_lower: int
    tick_upper: int
    liquidity: int


class PoolObserved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A pool and our position in it at an EVM block. Key: (adapter, block_number, block_hash).

    Prices: sqrt_price_x96 of the pool; `mark_price` is the feed's answer with `mark_decimals`, or,
    where there is none (`feedless`), the price at `twap_tick`, which is the mark itself.
    Amounts in token units, idle ones alone: what `ranges` hold is beside them; fee in ppm.
    """

    adapter: str
    pool: str
    block_number: int
    block_hash: str
    block_timestamp: int
    sqrt_price_x96: int
    tick: int
    twap_tick: int
    tick_spacing: int
    fee_ppm: int
    liquidity: int
    amount0: int
    amount1: int
    ranges: tuple[RangeState, ...]
    mark_price: int
    mark_decimals: int
    mark_updated_at: int
    last_operation_at: int
    feedless: bool = False


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


class TimerFired(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A periodic wake-up; its time is the record's."""

    name: str


class SourceUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A data source is connected and complete from here on."""

    source: str


class SourceDown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A data source is lost; what it said is stale at once."""

    source: str
    detail: str


class SourceGap(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A source skipped from `expected` to `received`; its book is not to be quoted on."""

    source: str
    expected: int
    received: int


class Conflated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`count` superseded market-data inputs of a source were merged before sequencing."""

    source: str
    count: int


class OperatorCommand(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A person's word: pause, resume, cancel, exit, halt or set; argument as the verb defines.

    `operator` is the name that was given, `uid` and `pid` are the system's word on the process
    that gave it (-1: it did not say).
    """

    verb: str
    argument: str
    operator: str
    reason: str = ""
    uid: int = -1
    pid: int = -1


class ParamsChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """New settings from here on, by a person as in OperatorCommand; hash over their bytes."""

    settings: StepSettings
    params_hash: str
    operator: str = ""
    reason: str = ""
    uid: int = -1
    pid: int = -1


class Takeover(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A standby takes the vault over: nothing of the former holder lives past `height`."""

    former: str
    height: int


Event = (
    RunStarted
    | MarketListed
    | MarketFacts
    | BookUpdated
    | OraclePriced
    | LeaderQuoted
    | VenueBlock
    | FillReceived
    | OrderUpdated
    | SubaccountObserved
    | Reconciled
    | FundingPaid
    | VenueTransfer
    | BlockSeen
    | BlockReverted
    | VaultObserved
    | DutiesObserved
    | ReportCollected
    | PoolObserved
    | CommandResult
    | TransactionSigned
    | TransactionMined
    | TimerFired
    | SourceUp
    | SourceDown
    | SourceGap
    | Conflated
    | OperatorCommand
    | ParamsChanged
    | Takeover
)
