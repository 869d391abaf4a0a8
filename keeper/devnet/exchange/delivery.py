"""Owns the inclusion of transactions in blocks: fee and sequence, messages, their record."""

from dataclasses import dataclass, replace

from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxBody, TxRaw
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgCancelOrder, MsgPlaceOrder

from . import ledger
from .addresses import BRIDGE, FEE_COLLECTOR
from .auth import check_nonce, check_signature
from .config import ExchangeConfig
from .events import Event, SubaccountChanged, TransferCommitted
from .execution import BankMove, Moved, check_basic, execute
from .model import USDC_DENOM, Order, SubaccountId
from .ratelimit import BlockRateLimiter
from .results import OK, Rejected, TxResult, sdk
from .stateful import StatefulRules
from .store import State
from .transactions import DecodedTx, tx_hash
from .txindex import TxRecord
from .upkeep import Upkeep
from .validation import check_against_market, check_cancel_market, parse_cancel, parse_order

__all__ = ["Delivered", "Delivery"]

BASE_GAS = 60_000
GAS_PER_BYTE = 10
MICRO = 1_000_000
NS_PER_MS = 1_000_000
Place = tuple[int, int, int]  # height, position in the block, block time in ns


@dataclass(frozen=True, slots=True)
class Delivered:
    """An included transaction and what it made happen."""

    record: TxRecord
    events: tuple[Event, ...]


def gas_of(raw: bytes) -> int:
    """Return the gas a transaction of these bytes uses."""
    return BASE_GAS + GAS_PER_BYTE * len(raw)


class Delivery:
    """Runs transactions against the committed state (or a branch of it, for checks)."""

    def __init__(self, config: ExchangeConfig, state: State, upkeep: Upkeep) -> None:
        self._config = config
        self._state = state
        self._upkeep = upkeep
        self.limiter = BlockRateLimiter(config.stateful_limits, "stateful orders")

    def ante(self, state: State, tx: DecodedTx, time_ns: int) -> BankMove | None:
        """Check form, signature, sequence and fee; take the fee. Raises Rejected."""
        for message in tx.messages:
            check_basic(message)
        account = check_signature(state, tx, self._config.chain_id)
        if not tx.is_clob:
            self._check_gas(tx)
        account = check_nonce(
            account, tx.sequence, time_ns // NS_PER_MS, self._config.nonce_window_ms
        )
        if not tx.authenticators:
            account = replace(account, public_key=tx.public_key)
        state.accounts.put(tx.signer, account)
        return None if tx.is_clob else self._take_fee(state, tx)

    def check_stateful(self, state: State, tx: DecodedTx, height: int, time_ns: int) -> None:
        """Check a stateful CLOB message as CheckTx does. Raises Rejected."""
        if isinstance(tx.messages[0], MsgPlaceOrder):
            self.limiter.use(tx.signer, height, 1)
        self._run_stateful(state, tx, time_ns)

    def _run_stateful(self, state: State, tx: DecodedTx, time_ns: int) -> Order:
        """Apply a stateful CLOB message; returns its order. Raises Rejected."""
        rules = StatefulRules(self._config, time_ns)
        match tx.messages[0]:
            case MsgPlaceOrder() as message:
                order = parse_order(message.order)
                check_against_market(order, state)
                rules.place(state, order)
                return order
            case MsgCancelOrder() as message:
                order_id, good_til_time = parse_cancel(message)
                check_cancel_market(order_id, state)
                return rules.cancel(state, order_id, good_til_time)
        raise sdk(6, tx.messages[0].DESCRIPTOR.full_name)

    def _check_gas(self, tx: DecodedTx) -> None:
        used, limit = gas_of(tx.raw), tx.auth.fee.gas_limit
        if limit < used:
            raise sdk(11, f"gasWanted: {limit}, gasUsed: {used}")

    def _take_fee(self, state: State, tx: DecodedTx) -> BankMove | None:
        fee = tx.auth.fee
        if any(coin.denom != USDC_DENOM or not coin.amount.isdecimal() for coin in fee.amount):
            raise sdk(13, "fees are whole amounts of USDC")
        paid = sum(int(coin.amount) for coin in fee.amount)
        required = -(-fee.gas_limit * self._config.min_gas_price_micro // MICRO)
        if paid < required:
            raise sdk(13, f"insufficient fees; got: {paid} required: {required}")
        if not paid:
            return None
        ledger.send(state, tx.signer, FEE_COLLECTOR, paid)
        return BankMove(tx.signer, FEE_COLLECTOR, paid)

    def simulate(self, tx: DecodedTx) -> int:
        """Return the gas the transaction would use now. Raises Rejected when it would fail."""
        branch = self._state.branch()
        if not tx.is_clob:
            for message in tx.messages:
                check_basic(message)
                execute(branch, message)
        return gas_of(tx.raw)

    def deliver(self, tx: DecodedTx, place: Place, first_event: int) -> Delivered:
        """Include a transaction. A failing message undoes them all; the fee stays paid."""
        moves: list[BankMove] = []
        moved: list[Moved] = []
        result = OK
        branch = self._state.branch()
        try:
            fee = self.ante(branch, tx, place[2])
            branch.absorb()
            moves += [fee] if fee else []
            branch = self._state.branch()
            if tx.is_clob:
                order = self._run_stateful(branch, tx, place[2])
                branch.absorb()
                return self._delivered_order(tx, place, order)
            moved = [m for m in (execute(branch, message) for message in tx.messages) if m]
            branch.absorb()
            moves += [m.bank for m in moved if m.bank]
        except Rejected as refusal:
            result, moved = refusal.result, []
        record = self._record(tx.raw, place, result, tuple(moves), tx.body.memo)
        record = replace(record, gas_wanted=tx.auth.fee.gas_limit)
        return Delivered(record, self._events(moved, tx.hash, first_event))

    def _delivered_order(self, tx: DecodedTx, place: Place, order: Order) -> Delivered:
        record = self._record(tx.raw, place, OK, (), tx.body.memo)
        if isinstance(tx.messages[0], MsgPlaceOrder):
            return Delivered(record, (self._upkeep.placed(order, tx.hash),))
        return Delivered(record, tuple(self._upkeep.cancelled(order)))

    def module_send(self, raw: bytes, place: Place, event_index: int) -> Delivered:
        """Include the bridge module's own send: USDC enters the exchange."""
        body = TxBody.FromString(TxRaw.FromString(raw).body_bytes)
        message = MsgSend.FromString(body.messages[0].value)
        ledger.bridge_in(self._state, int(message.amount[0].amount))
        moved = execute(self._state, message)
        moves = (moved.bank,) if moved and moved.bank else ()
        record = self._record(raw, place, OK, moves, body.memo)
        return Delivered(record, self._events([moved] if moved else [], record.hash, event_index))

    def faucet(self, key: SubaccountId, amount: int, event_index: int) -> tuple[Event, ...]:
        """Put new USDC quantums into a subaccount."""
        ledger.bridge_in(self._state, amount, "faucet_in")
        ledger.deposit(self._state, BRIDGE, key, amount)
        moved = Moved(BRIDGE, None, key.owner, key.number, amount, None)
        return self._events([moved], "", event_index)

    @staticmethod
    def _record(
        raw: bytes, place: Place, result: TxResult, moves: tuple[BankMove, ...], memo: str
    ) -> TxRecord:
        height, position, time_ns = place
        used = gas_of(raw)
        return TxRecord(
            height, position, time_ns, tx_hash(raw), raw, memo, result, used, used, moves
        )

    @staticmethod
    def _events(moved: list[Moved], digest: str, first_event: int) -> tuple[Event, ...]:
        events: list[Event] = []
        for number, move in enumerate(moved):
            if move.recorded:
                events.append(
                    TransferCommitted(
                        move.sender,
                        move.sender_number,
                        move.recipient,
                        move.recipient_number,
                        move.amount,
                        first_event + number,
                        digest,
                    )
                )
            events += [SubaccountChanged(key) for key in move.subaccounts()]
        return tuple(events)
