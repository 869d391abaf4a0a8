"""Fakes of the engine's ports and a scripted core: no network, no waiting, every call recorded."""

import asyncio
from collections.abc import Callable, Sequence

from keeper.core.state import State, initial_state
from keeper.domain.approval import Approved
from keeper.domain.commands import (
    ChainCommand,
    CollectReport,
    Command,
    CommandId,
    OrderCommand,
)
from keeper.domain.events import (
    CommandResult,
    Event,
    ReportCollected,
    RunStarted,
    TransactionSigned,
)
from keeper.domain.settings import RiskLimits, StepSettings
from keeper.journal.rerun import Core
from keeper.ports import Emit
from keeper.release import running_release

SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND


class ManualClock:
    """A clock that moves when a test says so, and by each sleep."""

    def __init__(self, now_ns: int = START_NS) -> None:
        self.now = now_ns

    def now_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.01)
        self.now += int(seconds * SECOND)


class FakeVenue:
    """Emits what it is given, then idles; acknowledges every command unless told otherwise."""

    def __init__(self, events: Sequence[Event] = (), *, outcome: str = "ACK") -> None:
        self.events = list(events)
        self.outcome = outcome
        self.sent: list[tuple[CommandId, OrderCommand]] = []
        self.is_closed = False
        self.before_submit: Callable[[], None] = lambda: None
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        self._emit = emit
        for event in self.events:
            emit(event)
        await asyncio.Event().wait()

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[OrderCommand]]]) -> None:
        assert self._emit is not None, "submit before run"
        self.before_submit()
        await asyncio.sleep(0)
        for command_id, approved in commands:
            self.sent.append((command_id, approved.value))
            if self.outcome:
                self._emit(result(command_id, self.outcome))

    async def close(self) -> None:
        self.is_closed = True


class FakeChain:
    """Signs each operation (the signed bytes are its id) and notes what it would broadcast."""

    def __init__(self) -> None:
        self.broadcast: list[CommandId] = []
        self.again: list[tuple[CommandId, str]] = []
        self.is_closed = False
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        self._emit = emit
        await asyncio.Event().wait()

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[ChainCommand]]]) -> None:
        assert self._emit is not None
        for command_id, _ in commands:
            raw = f"0x{command_id.seq:02x}"
            self._emit(TransactionSigned(command=command_id, nonce=1, raw=raw, tx_hash=raw))
            self.broadcast.append(command_id)

    async def rebroadcast(self, pending: Sequence[tuple[CommandId, str]]) -> None:
        self.again = list(pending)

    async def close(self) -> None:
        self.is_closed = True


class FakeReporters:
    """Notes each question and answers that nobody signed."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.is_closed = False
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        self._emit = emit
        await asyncio.Event().wait()

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[CollectReport]]]) -> None:
        assert self._emit is not None, "submit before run"
        for _, approved in commands:
            epoch = approved.value.epoch
            self.asked.append(epoch)
            self._emit(
                ReportCollected(epoch=epoch, report=None, signatures=(), quorum=2, refusals=())
            )

    async def close(self) -> None:
        self.is_closed = True


class FakeAlerts:
    """Keeps what a person would have been told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    async def send(self, severity: str, code: str, text: str) -> None:
        self.told.append((severity, code, text))


class ScriptedCore:
    """A core that answers each event by a function of it, and remembers what it was given."""

    def __init__(self, answer: Callable[[Event], Sequence[Command]] | None = None) -> None:
        self.answer = answer or _nothing
        self.seen: list[tuple[int, int, Event]] = []
        self.core = Core(initial_state, self.step)

    def step(
        self, state: State, t_ns: int, seq: int, event: Event
    ) -> tuple[Approved[Command], ...]:
        self.seen.append((seq, t_ns, event))
        if isinstance(event, RunStarted):
            state.settings, state.mode = event.settings, event.mode
        return tuple(Approved(command) for command in self.answer(event))

    def events(self, kind: type[Event]) -> list[Event]:
        return [event for _, _, event in self.seen if isinstance(event, kind)]


def _nothing(event: Event) -> Sequence[Command]:
    return ()


def result(command_id: CommandId, outcome: str) -> CommandResult:
    return CommandResult(
        command=command_id, outcome=outcome, code=0, codespace="", detail="", tx_hash=""
    )


def risk_limits(max_intent_age_ms: int = 500) -> RiskLimits:
    return RiskLimits(
        max_order_quote_quantums=10**12,
        max_gross_quote_quantums=10**13,
        price_band_ppm=50_000,
        daily_loss_quote_quantums=10**12,
        drawdown_ppm=200_000,
        max_messages_per_block=50,
        max_intent_age_ms=max_intent_age_ms,
        max_height_age_ms=60_000,
        max_clock_skew_ms=60_000,
    )


def run_started(settings: StepSettings | None = None) -> RunStarted:
    release = running_release()
    return RunStarted(
        run=0,
        schema=1,
        package_version=release.version,
        wheel_hash=release.wheel_hash,
        config_hash="c",
        params_hash="p",
        settings=settings
        or StepSettings(markets=(), pools=(), allocation=None, limits=risk_limits()),
        vault="0xvault",
        evm_chain_id=31337,
        venue_chain_id="localdydxprotocol",
        subaccount="dydx1keeper/0",
        client_id_base=1_000,
        seed=7,
    )
