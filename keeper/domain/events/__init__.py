"""The closed, versioned union of everything that can reach the step function.

Every value that came from an await, a clock, randomness, a file or a person enters here.
Natural keys named in each docstring make re-delivery harmless.
"""

from keeper.domain.events.account import (
    FillReceived,
    FundingPaid,
    OpenOrder,
    OrderUpdated,
    PerpetualPosition,
    Reconciled,
    SubaccountObserved,
    VenueTransfer,
)
from keeper.domain.events.market import (
    BookLevel,
    BookUpdated,
    LeaderQuoted,
    MarketFacts,
    MarketListed,
    OraclePriced,
    VenueBlock,
)
from keeper.domain.events.pool import PoolObserved, RangeState
from keeper.domain.events.results import (
    AdapterEffect,
    CommandResult,
    TransactionMined,
    TransactionSigned,
)
from keeper.domain.events.runs import OperatorCommand, ParamsChanged, RunStarted, Takeover
from keeper.domain.events.sources import (
    BlockReverted,
    BlockSeen,
    Conflated,
    SourceDown,
    SourceGap,
    SourceUp,
    TimerFired,
)
from keeper.domain.events.vault import (
    AdapterState,
    Claimable,
    DutiesObserved,
    ReportCollected,
    VaultObserved,
)

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
