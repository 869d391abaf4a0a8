"""The whole state of a keeper: one mutable tree that `step` alone changes, and its bytes."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from keeper.domain.commands import CommandId
from keeper.domain.events import DutiesObserved, PoolObserved, VaultObserved
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import MarketSettings, PoolSettings, StepSettings
from keeper.execution.orders import Orders
from keeper.execution.traffic import Traffic
from keeper.markets.book import Book
from keeper.risk.phase import Phase

__all__ = [
    "Account",
    "Chain",
    "Delta",
    "Duties",
    "Guard",
    "LeaderState",
    "LossStop",
    "MarketState",
    "Outstanding",
    "PastFill",
    "PoolState",
    "Position",
    "SignalState",
    "State",
    "StateCopy",
    "Turn",
    "copy_state",
    "initial_state",
    "state_bytes",
    "state_from_bytes",
]


class Position(msgspec.Struct, kw_only=True):
    """A perpetual position: signed base quantums and the quote quantums booked beside it."""

    quantums: int = 0
    quote_balance: int = 0


class Delta(msgspec.Struct, kw_only=True):
    """A committed change at a height: base quantums of a market and quote quantums."""

    height: int
    market: str
    quantums: int
    quote: int


class Account(msgspec.Struct, kw_only=True):
    """The trading subaccount: the newest committed snapshot and what came after its height.

    Every delta is kept by natural key until it is below `floor_height`, so that a second delivery
    changes nothing; `usdc` and `positions` are snapshot plus the deltas above its height.
    `transferred_*` count flows above `start_height`, the height of the first snapshot.
    """

    known: bool = False
    start_height: int = -1
    floor_height: int = -1
    base_height: int = -1
    base_usdc: int = 0
    base_positions: dict[str, Position] = {}
    deltas: dict[str, Delta] = {}
    usdc: int = 0
    positions: dict[str, Position] = {}
    transferred_in: int = 0
    transferred_out: int = 0


class LeaderState(msgspec.Struct, kw_only=True):
    """The leader's newest quote (t_ns -1: unknown) and how far it usually is from the oracle.

    `price_e8` is its microprice. `basis_ppb` is the average of leader / oracle - 1 in 1e-9, last
    learnt at `basis_t_ns` (-1: never).
    """

    source: str = ""
    seq: int = -1
    t_ns: int = -1
    bid_e8: int = 0
    ask_e8: int = 0
    price_e8: int = 0
    basis_ppb: int = 0
    basis_t_ns: int = -1


class PastFill(msgspec.Struct, frozen=True, array_like=True):
    """A fill of a resting order: when (unix ns), which side, at which subticks."""

    t_ns: int
    side: Side
    subticks: int


class SignalState(msgspec.Struct, kw_only=True):
    """What overlays are fed with; written by `keeper.core.signals` alone.

    The best levels as last seen (`top_t_ns` -1: unknown). `fast_e6` and `slow_e6` average the sum
    of bid and ask, `sample_e6` is that sum at the last sample of `variance_ppb2` (squared 1e-9 per
    second); `flow_e6` and `depth_e6` are sizes, all times 1e6. Markouts in 1e-3 ppm.
    """

    top_t_ns: int = -1
    bid: int = 0
    bid_size: int = 0
    ask: int = 0
    ask_size: int = 0
    fast_e6: int = 0
    slow_e6: int = 0
    sample_e6: int = 0
    sample_t_ns: int = -1
    variance_ppb2: int = 0
    flow_e6: int = 0
    depth_e6: int = 0
    funding_ppm: int = 0
    funding_t_ns: int = -1
    bid_markout_e3: int = 0
    ask_markout_e3: int = 0
    fills: list[PastFill] = []


class MarketState(msgspec.Struct, kw_only=True):
    """One perpetual market. `settings` is None for a market that is listed but not quoted.

    Open interest and depths (near the best price, without our own orders, as of the last venue
    block) in base quantums; `facts_t_ns` is when the venue last told its size and funding.
    """

    settings: MarketSettings | None = None
    listing: PerpetualMarket | None = None
    oracle_price: int = 0
    oracle_height: int = -1
    oracle_t_ns: int = -1
    oracle_source: str = ""
    book: Book
    book_t_ns: int = -1
    paused: bool = False
    taker_fee_ppm: int = -1
    hedge_height: int = -1
    facts_t_ns: int = -1
    open_interest: int = 0
    volume_quote_quantums: int = 0
    funding_ppb_per_hour: int = 0
    bid_depth: int = 0
    ask_depth: int = 0
    leader: LeaderState = msgspec.field(default_factory=LeaderState)
    signals: SignalState = msgspec.field(default_factory=SignalState)
    traffic: Traffic = msgspec.field(default_factory=Traffic)


class PoolState(msgspec.Struct, kw_only=True):
    """One pool behind an adapter: the newest observation and when it arrived (-1: stale).

    Derived from it: `base` units of the base token held at the pool's price, the least and the
    most that becomes of them as the price passes through the ranges, `value` of all that is held,
    at the mark, in asset units, and what of it lies in ranges. `coming` and `going` are base units
    that a command under way adds to the most and takes from the least. `home` are asset units the
    vault wants back.
    """

    settings: PoolSettings
    seen: PoolObserved | None = None
    seen_t_ns: int = -1
    base: int = 0
    base_low: int = 0
    base_high: int = 0
    value: int = 0
    in_ranges: int = 0
    coming: int = 0
    going: int = 0
    home: int = 0


class Outstanding(msgspec.Struct, kw_only=True):
    """A chain command that has no final receipt yet; `assets` leave the vault when it lands."""

    command: CommandId
    kind: str
    assets: int
    since_block: int


class Chain(msgspec.Struct, kw_only=True):
    """The EVM side: head, the vault as last observed, and what is under way per adapter.

    `not_before` is the first block whose observation includes the last receipt of an adapter.
    `flow_base` is (sent, returned, transferred in, transferred out) when both sides were first
    known.
    `external` is what settlements moved through the vault so far, in asset units.
    """

    head_number: int = -1
    head_hash: str = ""
    head_timestamp: int = 0
    vault: VaultObserved | None = None
    vault_t_ns: int = -1
    outstanding: dict[str, Outstanding] = {}
    not_before: dict[str, int] = {}
    failures: dict[str, int] = {}
    flow_base: tuple[int, int, int, int] | None = None
    external: int = 0
    last_gas_wei: int = 0
    base_fee_wei: int = 0
    sync_block: int = -1


class Duties(msgspec.Struct, kw_only=True):
    """What the vault owes its depositors as last observed (None: unknown), and its report.

    `asked_epoch` is the cut that reporters were last asked about, at `asked_t_ns` (-1: not in this
    run); `signed` of them signed, of `quorum` that are needed, when they last answered about it.
    """

    seen: DutiesObserved | None = None
    asked_epoch: int = 0
    asked_t_ns: int = -1
    signed: int = 0
    quorum: int = 0


class LossStop(msgspec.Struct, kw_only=True):
    """Cumulative profit in quote quantums as sampled per venue block, its day's start and high.

    `breaches` are the codes of limits that profit is beyond right now: quoting pauses at once. Only
    when all samples are beyond them does the phase trip: a transfer and the balance it changes
    may arrive one block apart, and that is no loss. `window` holds (minute, profit) of the last
    minutes, falling: the first is the highest profit within them.
    """

    samples: list[int] = []
    window: list[tuple[int, int]] = []
    breaches: list[str] = []
    day: int = -1
    day_start: int = 0
    high: int = 0
    started: bool = False


class DayProfit(msgspec.Struct, kw_only=True):
    """One leg's profit to date, now and as the UTC day (days since 1970) began.

    `place` is the venue's height that is going on; of a pool it stays -1.
    """

    day: int
    opening: int
    latest: int
    place: int = -1


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What made the phase what it is, at `t_ns` (unix; -1: it never changed).

    A stop's code with its two numbers, or the name of who said so and why.
    """

    t_ns: int = -1
    code: str = ""
    limit: int = 0
    value: int = 0
    operator: str = ""
    reason: str = ""


class Guard(msgspec.Struct, kw_only=True):
    """What the limits remember: the phase and what made it so, message count of a block, losses,
    standing refusals.

    `standing` maps refusal key -> time last noted (ns), so that a flapping refusal is logged at a
    bounded rate; `active` lists the keys in force at the end of the last step per scope.
    """

    phase: Phase = Phase.ACTIVE
    turn: Turn = Turn()
    messages_height: int = -1
    messages: int = 0
    loss: LossStop
    noted: dict[str, int] = {}
    active: dict[str, list[str]] = {}
    quiet_until_height: int = -1


class State(msgspec.Struct, kw_only=True):
    """Everything `step` knows. Times in unix ns, money in quote quantums unless said otherwise.

    `days` are legs of profit by adapter, the venue's under "".
    `sources` are those heard of in this run: true while connected and complete. A restored state
    has its dictionaries in another order, so nothing may depend on the order of one.
    """

    run: int = -1
    seq: int = -1
    t_ns: int = 0
    subaccount: str = ""
    vault: str = ""
    mode: str = "live"
    venue_chain_id: str = ""
    evm_chain_id: int = 0
    settings: StepSettings | None = None
    height: int = -1
    height_time_ns: int = 0
    height_t_ns: int = -1
    markets: dict[str, MarketState] = {}
    pools: dict[str, PoolState] = {}
    sources: dict[str, bool] = {}
    account: Account
    orders: Orders
    chain: Chain
    duties: Duties
    guard: Guard
    days: dict[str, DayProfit] = {}


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(State)
_copier = msgspec.json.Encoder()


def initial_state() -> State:
    """Create the state before any event; it issues nothing until `RunStarted` is folded."""
    return State(
        account=Account(),
        orders=Orders(),
        chain=Chain(),
        duties=Duties(),
        guard=Guard(loss=LossStop()),
    )


def state_bytes(state: State) -> bytes:
    """Serialise canonically: JSON, every object's keys sorted; equal states give equal bytes."""
    return _encoder.encode(msgspec.to_builtins(state, str_keys=True))


@dataclass(frozen=True, slots=True)
class StateCopy:
    """A state as it was at one step, whatever becomes of it; quickly made, slowly written out.

    `fields` and `markets` hold JSON by name, names sorted.
    """

    fields: tuple[tuple[str, bytes], ...]
    markets: tuple[tuple[str, bytes], ...]

    def to_bytes(self, pause: Callable[[], None]) -> bytes:
        """Serialise as `state_bytes` would have; `pause` is called between short pieces of work."""
        markets = _object(self.markets, pause)
        pieces = {name: _sorted(raw, pause) for name, raw in self.fields} | {"markets": markets}
        return _joined(sorted(pieces.items()))


def copy_state(state: State) -> StateCopy:
    """Copy all of a state, for another thread to serialise."""
    names = sorted(name for name in State.__struct_fields__ if name != "markets")
    return StateCopy(
        tuple((name, _copier.encode(getattr(state, name))) for name in names),
        tuple((ticker, _copier.encode(state.markets[ticker])) for ticker in sorted(state.markets)),
    )


def _object(members: tuple[tuple[str, bytes], ...], pause: Callable[[], None]) -> bytes:
    return _joined([(name, _sorted(raw, pause)) for name, raw in members])


def _joined(members: list[tuple[str, bytes]]) -> bytes:
    return b"{" + b",".join(_encoder.encode(name) + b":" + raw for name, raw in members) + b"}"


def _sorted(raw: bytes, pause: Callable[[], None]) -> bytes:
    pause()
    value = msgspec.json.decode(raw)
    pause()
    return _encoder.encode(value)


def state_from_bytes(raw: bytes) -> State:
    """Restore what `state_bytes` wrote. Raises msgspec.ValidationError."""
    return _decoder.decode(raw)
