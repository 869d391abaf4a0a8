"""Owns the state machine: CheckTx, block commit and the committed state. Pure: no I/O, no clock."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend

from . import gating, ledger
from .addresses import BRIDGE, FEE_COLLECTOR, INSURANCE, SUBACCOUNTS
from .checktx import ClobChecker
from .commitment import commit_matches, content_of
from .config import ExchangeConfig, MarketConfig
from .delivery import Delivery
from .events import BlockCommitted, Event, MarketChanged, OracleUpdated
from .faults import Faults
from .funding import FundingClock
from .memclob import MemClob
from .model import USDC_DENOM, Block, Order, OrderId, Perpetual, SubaccountId
from .results import OK, Rejected, TxResult, sdk
from .store import committed_state
from .transactions import DecodedTx, decode, tx_hash, unsigned
from .txindex import TxIndex
from .upkeep import Upkeep

__all__ = ["Chain", "CheckOutcome"]

SEEN_TRANSACTIONS = 10_000
GOVERNED = (
    "status",
    "subticks_per_tick",
    "step_base_quantums",
    "initial_margin_ppm",
    "maintenance_fraction_ppm",
)


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What CheckTx answers and what it made happen."""

    hash: str
    result: TxResult
    events: tuple[Event, ...] = ()


class Chain:
    """One validator. `check_tx` and `commit` are its only inputs besides `place` and `cancel` of
    recorded flow, and the administration's `set_oracle`, `set_parameters`, `credit` and `faucet`,
    which take effect in the next block."""

    def __init__(self, config: ExchangeConfig, genesis_time_ns: int) -> None:
        self.config = config
        self.faults = Faults(config.seed)
        self.state = committed_state(config.history_blocks)
        self.index = TxIndex()
        self.blocks: OrderedDict[int, Block] = OrderedDict()
        self._genesis(genesis_time_ns)
        self.clob = MemClob(config, self.state)
        self.funding = FundingClock(genesis_time_ns)
        self._checker = ClobChecker(config, self.clob)
        self.upkeep = Upkeep(config, self.state, self.clob)
        self._delivery = Delivery(config, self.state, self.upkeep)
        self._check_state = self.state.branch()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._mempool: list[DecodedTx] = []
        self._credits: dict[str, bytes] = {}
        self._module_txs: list[bytes] = []
        self._faucet: list[tuple[SubaccountId, int]] = []
        self._oracle: dict[int, int] = {}
        self._parameters: dict[int, dict[str, int]] = {}

    def _genesis(self, time_ns: int) -> None:
        self.state.begin(1)
        for address in (SUBACCOUNTS, FEE_COLLECTOR, INSURANCE, BRIDGE):
            ledger.ensure_account(self.state, address)
        for market in self.config.markets:
            self.state.markets.put(market.id, market)
            self.state.perpetuals.put(market.id, Perpetual())
            self.state.prices.put(market.id, market.oracle_price)
        self._append_block(1, time_ns, b"")

    @property
    def height(self) -> int:
        """Height of the last committed block."""
        return next(reversed(self.blocks))

    @property
    def block(self) -> Block:
        """The last committed block."""
        return self.blocks[self.height]

    def _append_block(self, height: int, time_ns: int, content: bytes) -> None:
        previous = self.block.hash if self.blocks else bytes(32)
        header = f"{self.config.chain_id}/{height}/{time_ns}/".encode()
        digest = hashlib.sha256(header + previous + content).digest()
        self.blocks[height] = Block(height, time_ns, digest, previous)
        while len(self.blocks) > self.config.history_blocks:
            self.blocks.popitem(last=False)

    # Inputs: transactions

    def check_tx(self, raw: bytes) -> CheckOutcome:
        """Take a transaction into this node: answer as BroadcastTx SYNC does."""
        digest = tx_hash(raw)
        if digest in self._seen:
            return CheckOutcome(digest, sdk(19, "tx already exists in cache").result)
        self.clob.rejected_events = []
        try:
            tx = decode(raw)
            events = self._admit(tx)
        except Rejected as refusal:
            return CheckOutcome(digest, refusal.result, tuple(self.clob.rejected_events))
        self._remember(digest)
        return CheckOutcome(digest, OK, tuple(events))

    def _admit(self, tx: DecodedTx) -> list[Event]:
        if tx.is_short_term:
            return self._checker.check(tx, self.state, self.height + 1)
        branch = self._check_state.branch()
        self._delivery.ante(branch, tx, self.block.time_ns)
        if tx.is_clob:
            self._delivery.check_stateful(branch, tx, self.height + 1, self.block.time_ns)
        branch.absorb()
        if not self.faults.strikes("not-included", address=tx.signer):
            self._mempool.append(tx)
        return []

    def verify(self, raw: bytes, height: int) -> CheckOutcome:
        """Answer as CheckTx on the state of `height` would, and take nothing in."""
        digest = tx_hash(raw)
        try:
            tx = decode(raw)
            state = self.state if height == self.height else self.state.at(height)
            if tx.is_short_term:
                self._checker.verify(tx, state, height + 1)
            else:
                self._delivery.ante(state.branch(), tx, self.block.time_ns)
        except Rejected as refusal:
            return CheckOutcome(digest, refusal.result)
        return CheckOutcome(digest, OK)

    def _remember(self, digest: str) -> None:
        self._seen[digest] = None
        if len(self._seen) > SEEN_TRANSACTIONS:
            self._seen.popitem(last=False)

    def restart(self) -> list[Event]:
        """Forget what no block holds, as a node that starts again: short-term orders, mempool."""
        self._mempool = []
        self._check_state = self.state.branch()
        self.upkeep.restart()
        return self.clob.restart()

    def note_outage(self) -> None:
        """Gate withdrawals as after an outage that ended with the last block."""
        gating.note_outage(self.state, self.height)

    def simulate(self, raw: bytes) -> int:
        """Return the gas a transaction would use. Raises Rejected when it would fail."""
        return self._delivery.simulate(decode(raw))

    # Inputs: orders of accounts that the exchange itself acts for

    def place(self, order: Order) -> CheckOutcome:
        """Take an order by the market's rules; no transaction carries it, so its hash is empty."""
        state, next_height = self.state, self.height + 1
        return self._unsigned(lambda: self._checker.place(order, state, next_height, ""))

    def cancel(self, order_id: OrderId, good_til_block: int) -> CheckOutcome:
        """Cancel an order as `place` took it."""
        state, next_height = self.state, self.height + 1
        return self._unsigned(
            lambda: self._checker.cancel(order_id, good_til_block, state, next_height)
        )

    def _unsigned(self, work: Callable[[], list[Event]]) -> CheckOutcome:
        self.clob.rejected_events = []
        try:
            return CheckOutcome("", OK, tuple(work()))
        except Rejected as refusal:
            return CheckOutcome("", refusal.result, tuple(self.clob.rejected_events))

    # Inputs: administration

    def set_oracle(self, market_id: int, price: int) -> None:
        """Set the oracle price of the next block. Raises ValueError."""
        if self.state.markets.get(market_id) is None or price <= 0:
            raise ValueError(f"market {market_id}, price {price}")
        self._oracle[market_id] = price

    def set_status(self, market_id: int, status: int) -> None:
        """Set a market's status from the next block on. Raises ValueError."""
        self.set_parameters(market_id, {"status": status})

    def set_parameters(self, market_id: int, changes: dict[str, int]) -> None:
        """Change a market's parameters from the next block on, as governance does.

        Orders that rest stay where they are, off the new tick or not. Raises ValueError for an
        unknown market or parameter, or a tick or step that is not positive.
        """
        if self.state.markets.get(market_id) is None:
            raise ValueError(f"market {market_id}")
        unknown = [name for name in changes if name not in GOVERNED]
        if unknown or any(value <= 0 for value in changes.values()):
            raise ValueError(f"parameters {', '.join(GOVERNED)} may be set, to positive integers")
        self._parameters.setdefault(market_id, {}).update(changes)

    def credit(self, recipient: str, amount: int, memo: str) -> tuple[str, bool]:
        """Queue USDC quantums from the bridge account to a wallet in the next block.

        Returns (transaction hash, whether it is new): a memo is honoured once. Raises ValueError
        when a known memo names another recipient or amount.
        """
        message = MsgSend(from_address=BRIDGE, to_address=recipient)
        message.amount.add(denom=USDC_DENOM, amount=str(amount))
        raw = unsigned(message, memo)
        known = self._credits.get(memo)
        if known is not None and known != raw:
            raise ValueError(f"memo {memo} was used for another credit")
        self._credits[memo] = raw
        if known is None:
            self._module_txs.append(raw)
        return tx_hash(raw), known is None

    def faucet(self, recipient: SubaccountId, amount: int) -> None:
        """Queue USDC quantums out of nothing into a subaccount; counted as faucet_in."""
        self._faucet.append((recipient, amount))

    # Commit

    def commit(self, time_ns: int) -> list[Event]:
        """Make the next block at a time after the last one's. Raises ValueError otherwise."""
        if time_ns <= self.block.time_ns:
            raise ValueError(f"block time {time_ns} is not after {self.block.time_ns}")
        height = self.height + 1
        self.state.begin(height)
        gating.begin(self.state, self.config, height)
        told = self._propose()
        events = commit_matches(self.state, self.clob)
        content = content_of(self.clob.pending)
        events += self._deliver_all(height, time_ns)
        events += self._commit_administration()
        events += self.funding.advance(self.state, self.clob.books, time_ns)
        events += self.upkeep.in_block(height, time_ns)
        included = "".join(record.hash for record in self.index.at(height))
        self._append_block(height, time_ns, content + included.encode())
        events += self.clob.after_commit(height)
        self._check_state = self.state.branch()
        self._checker.limiter.prune(height)
        self._delivery.limiter.prune(height)
        events.append(BlockCommitted(height, time_ns))
        draw = int.from_bytes(self.block.hash[:8], "big")
        return events + told + self.upkeep.after_block(self._checker, height, draw)

    def _propose(self) -> list[Event]:
        """Let a faulty proposer choose other matches than this node's."""
        if self.clob.pending and self.faults.strikes("matches-not-proposed"):
            self.upkeep.unproposed(self.clob.rewind())
        elif len(self.clob.pending) > 1 and self.faults.strikes("proposer-reorders"):
            takers = self.clob.rewind()
            return self.upkeep.replay(self._checker, takers[::-1], self.height)
        return []

    def _deliver_all(self, height: int, time_ns: int) -> list[Event]:
        events: list[Event] = []
        first_event = len(self.clob.pending)
        position = 0
        for raw in self._module_txs:
            delivered = self._delivery.module_send(raw, (height, position, time_ns), first_event)
            self.index.add(delivered.record)
            events += delivered.events
            position, first_event = position + 1, first_event + 1
        for tx in self._mempool:
            delivered = self._delivery.deliver(tx, (height, position, time_ns), first_event)
            self.index.add(delivered.record)
            events += delivered.events
            position, first_event = position + 1, first_event + len(tx.messages)
        for key, amount in self._faucet:
            events += self._delivery.faucet(key, amount, first_event)
            first_event += 1
        self._module_txs, self._mempool, self._faucet = [], [], []
        return events

    def _commit_administration(self) -> list[Event]:
        events: list[Event] = []
        if self.faults.strikes("stale-oracle"):
            self._oracle = {}
        for market_id, price in self._oracle.items():
            self.state.prices.put(market_id, price)
            events.append(OracleUpdated(market_id, price))
        for market_id, changes in self._parameters.items():
            market = self.state.markets.get(market_id)
            if market is not None:
                self.state.markets.put(market_id, changed(market, changes))
                events.append(MarketChanged(market_id))
        self._oracle, self._parameters = {}, {}
        return events


def changed(market: MarketConfig, changes: dict[str, int]) -> MarketConfig:
    """Return a market with some of the governed parameters changed."""
    kept = {name: getattr(market, name) for name in GOVERNED}
    governed: dict[str, int] = kept | changes
    return replace(
        market,
        status=governed["status"],
        subticks_per_tick=governed["subticks_per_tick"],
        step_base_quantums=governed["step_base_quantums"],
        initial_margin_ppm=governed["initial_margin_ppm"],
        maintenance_fraction_ppm=governed["maintenance_fraction_ppm"],
    )
