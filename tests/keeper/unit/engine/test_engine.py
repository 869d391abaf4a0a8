"""The engine against scripted cores and fake ports: order of log and sends, recovery, stopping."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from keeper.core.state import MarketState, State
from keeper.domain.approval import Approved
from keeper.domain.commands import (
    Allocate,
    CancelOrders,
    CollectReport,
    Command,
    CommandId,
    NoteRefusal,
    RaiseAlert,
)
from keeper.domain.errors import (
    ConfigError,
    EngineFailed,
    ReplayMismatch,
    VenueUnavailable,
    WrongRelease,
)
from keeper.domain.events import (
    BookUpdated,
    CommandResult,
    Conflated,
    Event,
    FillReceived,
    OperatorCommand,
    ReportCollected,
    RunStarted,
    TimerFired,
    TransactionMined,
    TransactionSigned,
    VenueBlock,
)
from keeper.domain.settings import FixedSpreadParams, MarketSettings
from keeper.engine import Engine
from keeper.engine.sequencer import Sequencer, StepFailedError
from keeper.journal import JournalOptions, JournalReader, JournalWriter, Step
from keeper.markets.book import Book
from keeper.ports import Emit
from tests.keeper.fakes import (
    START_NS,
    FakeAlerts,
    FakeChain,
    FakeReporters,
    FakeVenue,
    ManualClock,
    ScriptedCore,
    run_started,
)
from tests.keeper.samples import book, fill, order

CANCEL = CancelOrders(market="ETH-USD", client_ids=(1,), good_til_block=30)
ALERT = RaiseAlert(severity="warn", code="X", text="look")
REFUSAL = NoteRefusal(code="R", subject="s", limit=1, value=2)
ALLOCATE = Allocate(adapter="0xclob", assets=5)


def on(kind: type[Event], *commands: Command) -> Callable[[Event], Sequence[Command]]:
    return lambda event: commands if isinstance(event, kind) else ()


class Desk:
    """An engine with its fakes; `trade` runs it until a condition holds, then stops it."""

    def __init__(self, folder: Path, script: ScriptedCore, venue: FakeVenue | None = None) -> None:
        self.folder = folder
        self.script = script
        self.venue = venue or FakeVenue()
        self.chain: FakeChain | None = FakeChain()
        self.clock = ManualClock()
        self.alerts = FakeAlerts()
        self.started = run_started()
        self.sources: tuple[FakeVenue, ...] = ()
        self.reporters: FakeReporters | None = None

    def build(self) -> Engine:
        self.journal = JournalWriter.open(self.folder, JournalOptions())
        sequencer = Sequencer(self.script.core, self.journal, self.clock)
        self.engine = Engine(
            sequencer,
            self.clock,
            self.venue,
            self.chain,
            self.alerts,
            self.started,
            sources=self.sources,
            reporters=self.reporters,
        )
        return self.engine

    def trade(self, until: Callable[[], bool]) -> None:
        asyncio.run(self._trade(until))

    async def _trade(self, until: Callable[[], bool]) -> None:
        engine = self.build()
        task = asyncio.create_task(engine.run())
        async with asyncio.timeout(10):
            while not until() and not task.done():  # noqa: ASYNC110 - any condition of a test
                await asyncio.sleep(0.001)
            engine.stop()
            await task

    def steps(self) -> list[Step]:
        return list(JournalReader(self.folder).steps())

    def logged(self, kind: type[Event]) -> list[Event]:
        return [step.event for step in self.steps() if isinstance(step.event, kind)]


def forget_snapshots(folder: Path) -> None:
    """Leave the log alone: the next start has to decide all of it again."""
    for path in folder.glob("snapshot-*"):
        path.unlink()


def test_run__the_start_of_the_run_has_commands__ports_run_before_they_are_given_any(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path, ScriptedCore(on(RunStarted, CANCEL, ALLOCATE)))

    desk.trade(until=lambda: bool(desk.venue.sent))

    assert [command for _, command in desk.venue.sent] == [CANCEL]


def test_run__commands_of_every_kind__are_logged_and_reach_their_ports(tmp_path: Path) -> None:
    script = ScriptedCore(on(FillReceived, order(1), ALLOCATE, ALERT, REFUSAL, CANCEL))
    desk = Desk(tmp_path, script, FakeVenue([fill(1)]))

    desk.trade(lambda: len(desk.venue.sent) == 2 and bool(desk.chain and desk.chain.broadcast))

    assert desk.venue.sent == [
        (CommandId(1, 2, 0), order(1)),
        (CommandId(1, 2, 4), CANCEL),
    ]
    assert desk.chain is not None
    assert desk.chain.broadcast == [CommandId(1, 2, 1)]
    assert desk.alerts.told == [("warn", "X", "look")]
    step = next(step for step in desk.steps() if isinstance(step.event, FillReceived))
    assert step.commands == (order(1), ALLOCATE, ALERT, REFUSAL, CANCEL)
    assert desk.venue.is_closed
    assert desk.chain.is_closed


def test_run__a_command_is_sent__its_record_is_on_disk_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore(on(FillReceived, order(1))), FakeVenue([fill(1)]))
    on_disk: list[int] = []

    def look() -> None:
        on_disk.extend(len(step.commands) for step in desk.steps())

    desk.venue.before_submit = look
    desk.trade(lambda: bool(desk.venue.sent))

    assert on_disk == [0, 1]


def test_run__clock_steps_back__time_and_sequence_do_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore(), FakeVenue([fill(1)]))
    desk.clock.now = START_NS
    real_now = desk.clock.now_ns
    readings = iter([START_NS, START_NS - 5])
    desk.clock.now_ns = lambda: next(readings, real_now())  # type: ignore[method-assign]

    desk.trade(lambda: len(desk.script.seen) >= 2)

    times = [t_ns for _, t_ns, _ in desk.script.seen]
    assert times == sorted(times)
    assert [seq for seq, _, _ in desk.script.seen] == list(range(1, len(times) + 1))


def test_run__intent_grew_old_on_the_way__is_dropped_and_a_cancel_is_not(tmp_path: Path) -> None:
    script = ScriptedCore()
    desk = Desk(tmp_path, script, FakeVenue([fill(1)]))

    def answer(event: Event) -> Sequence[Command]:
        if isinstance(event, FillReceived):
            desk.clock.now += 501_000_000
            return (order(1), CANCEL)
        return ()

    script.answer = answer
    desk.trade(lambda: bool(desk.venue.sent))

    assert [command for _, command in desk.venue.sent] == [CANCEL]
    dropped = [each for each in desk.logged(CommandResult) if "DROPPED" in str(each)]
    assert [each.command for each in dropped if isinstance(each, CommandResult)] == [
        CommandId(1, 2, 0)
    ]
    assert "501 ms old" in str(dropped[0])


def test_run__seconds_pass__timer_events_are_logged(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore())

    desk.trade(lambda: len(desk.script.events(TimerFired)) >= 3)

    assert desk.logged(TimerFired)[0] == TimerFired(name="second")


def test_run__second_run_in_a_folder__state_is_rebuilt_and_the_run_counted(tmp_path: Path) -> None:
    first = Desk(tmp_path, ScriptedCore(), FakeVenue([fill(1)]))
    first.trade(lambda: len(first.script.seen) >= 2)
    forget_snapshots(tmp_path)
    second = Desk(tmp_path, ScriptedCore(), FakeVenue([fill(2)]))

    second.trade(lambda: second.engine.seq > len(first.script.seen) + 1)

    assert second.script.seen[: len(first.script.seen)] == first.script.seen
    runs = [each.run for each in second.logged(RunStarted) if isinstance(each, RunStarted)]
    assert runs == [1, 2]


def test_run__orders_without_a_result__are_unknown_after_a_restart(tmp_path: Path) -> None:
    first = Desk(tmp_path, ScriptedCore(on(FillReceived, order(1))), FakeVenue([fill(1)]))
    writer = JournalWriter.open(tmp_path, JournalOptions())
    assert not list(writer.recover())
    writer.append(1, msgspec.structs.replace(first.started, run=1), ())
    writer.append(2, fill(1), (order(1), ALLOCATE))
    writer.close()
    second = Desk(tmp_path, ScriptedCore(on(FillReceived, order(1), ALLOCATE)))

    second.trade(lambda: len(second.script.events(CommandResult)) >= 2)

    outcomes = {
        each.command: each.outcome
        for each in second.logged(CommandResult)
        if isinstance(each, CommandResult)
    }
    assert outcomes == {CommandId(1, 2, 0): "UNKNOWN", CommandId(1, 2, 1): "DROPPED"}
    assert not second.venue.sent


def test_run__signed_transaction_without_receipt__same_bytes_are_sent_again(
    tmp_path: Path,
) -> None:
    script = ScriptedCore(on(FillReceived, ALLOCATE))
    first = Desk(tmp_path, script, FakeVenue([fill(1)]))
    first.trade(lambda: bool(first.chain and first.chain.broadcast))
    second = Desk(tmp_path, ScriptedCore(on(FillReceived, ALLOCATE)))

    second.trade(lambda: bool(second.chain and second.chain.again))

    assert second.chain is not None
    assert second.chain.again == [(CommandId(1, 2, 0), "0x02")]


def test_run__mined_for_good__is_not_sent_again(tmp_path: Path) -> None:
    mined = TransactionMined(
        command=CommandId(1, 2, 0),
        tx_hash="0x02",
        block_number=1,
        block_hash="0xb",
        succeeded=True,
        gas_used=1,
        effective_gas_price=1,
        final=True,
    )
    first = Desk(tmp_path, ScriptedCore(on(FillReceived, ALLOCATE)), FakeVenue([fill(1)]))

    def finished() -> bool:
        if first.logged(TransactionSigned) and not first.script.events(TransactionMined):
            first.engine.ingest(mined)
        return bool(first.script.events(TransactionMined))

    first.trade(finished)
    second = Desk(tmp_path, ScriptedCore(on(FillReceived, ALLOCATE)), FakeVenue([fill(2)]))
    second.trade(lambda: bool(second.script.events(FillReceived)))

    assert second.chain is not None
    assert second.chain.again == []


def test_run__signed_transaction__is_in_the_log_before_it_is_broadcast(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore(on(FillReceived, ALLOCATE)), FakeVenue([fill(1)]))
    seen: list[int] = []

    class Watching(FakeChain):
        async def submit(self, commands: Sequence[tuple[CommandId, object]]) -> None:
            await super().submit(commands)  # type: ignore[arg-type]
            seen.append(len(desk.logged(TransactionSigned)))

    desk.chain = Watching()
    desk.trade(lambda: bool(seen))

    assert seen == [1]


def test_run__chain_command_without_a_chain__is_dropped_in_the_log(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore(on(FillReceived, ALLOCATE)), FakeVenue([fill(1)]))
    desk.chain = None

    desk.trade(lambda: bool(desk.script.events(CommandResult)))

    assert "runs without a chain" in str(desk.logged(CommandResult)[0])


def test_run__other_commands_than_logged__refuses_to_trade(tmp_path: Path) -> None:
    first = Desk(tmp_path, ScriptedCore(on(FillReceived, order(1))), FakeVenue([fill(1)]))
    first.trade(lambda: bool(first.venue.sent))
    forget_snapshots(tmp_path)
    second = Desk(tmp_path, ScriptedCore(on(FillReceived, order(2))))

    with pytest.raises(ReplayMismatch, match="step 2: command 0 differs"):
        second.trade(lambda: False)

    assert not second.venue.sent


def test_run__journal_of_another_release__names_the_one_to_install(tmp_path: Path) -> None:
    first = Desk(tmp_path, ScriptedCore())
    first.started = msgspec.structs.replace(first.started, package_version="0.0.9")
    first.trade(lambda: bool(first.script.seen))
    forget_snapshots(tmp_path)
    second = Desk(tmp_path, ScriptedCore())

    with pytest.raises(WrongRelease) as caught:
        second.trade(lambda: False)

    assert "athanor-keeper==0.0.9" in caught.value.next_step


def failing_on_blocks(event: Event) -> Sequence[Command]:
    if isinstance(event, VenueBlock):
        raise ZeroDivisionError("boom")
    return (CANCEL,) if isinstance(event, OperatorCommand) else ()


def quoted_market(desk: Desk) -> None:
    """Have the scripted core's state name one quoted market, so that a stop pauses it."""
    settings = MarketSettings(
        ticker="ETH-USD",
        strategy=FixedSpreadParams(
            layers=1, half_spread_ppm=1, layer_step_ppm=1, order_size_quote_quantums=1
        ),
        good_til_block_offset=1,
        refresh_blocks=1,
        price_tolerance_ppm=1,
        size_tolerance_ppm=1,
        oracle_max_age_ms=1,
        book_max_age_ms=1,
        max_position_quote_quantums=1,
        inventory_band_quote_quantums=1,
        hedge_max_slippage_ppm=1,
    )
    real = desk.script.step

    def step(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
        state.markets.setdefault("ETH-USD", MarketState(settings=settings, book=Book()))
        return real(state, t_ns, seq, event)

    desk.script.core = type(desk.script.core)(desk.script.core.initial_state, step)


def test_run__step_fails__is_recorded_quotes_cancelled_and_replayable(tmp_path: Path) -> None:
    block = VenueBlock(height=1, time_ns=1)
    desk = Desk(tmp_path, ScriptedCore(failing_on_blocks), FakeVenue([block]))
    quoted_market(desk)

    with pytest.raises(EngineFailed, match=r"step 2 failed on VenueBlock \(ZeroDivisionError"):
        desk.trade(lambda: False)

    assert [step.error for step in desk.steps()][1] == "ZeroDivisionError"
    assert [command for _, command in desk.venue.sent] == [CANCEL]
    assert desk.alerts.told[0][:2] == ("page", "ENGINE_FAILED")
    forget_snapshots(tmp_path)
    again = Desk(tmp_path, ScriptedCore(failing_on_blocks))
    quoted_market(again)
    again.trade(lambda: again.engine.seq > 3)
    assert again.script.seen[1][2] == block


def test_stop__quoted_market__is_paused_by_the_engine_and_resumed_at_the_next_start(
    tmp_path: Path,
) -> None:
    first = Desk(tmp_path, ScriptedCore(on(OperatorCommand, CANCEL)))
    quoted_market(first)
    first.trade(lambda: bool(first.script.seen))
    second = Desk(tmp_path, ScriptedCore(on(OperatorCommand, CANCEL)))
    quoted_market(second)

    second.trade(lambda: second.engine.seq > 3)

    verbs = [each.verb for each in second.logged(OperatorCommand) if hasattr(each, "verb")]
    assert verbs == ["pause", "resume", "pause"]
    assert [command for _, command in first.venue.sent] == [CANCEL]


def test_run__a_source_fails__quotes_are_cancelled_and_the_reason_told(tmp_path: Path) -> None:
    class Breaking(FakeVenue):
        async def run(self, emit: Callable[[Event], None]) -> None:
            self._emit = emit
            raise LookupError("unmapped")

    desk = Desk(tmp_path, ScriptedCore(on(OperatorCommand, CANCEL)), Breaking())
    quoted_market(desk)

    with pytest.raises(EngineFailed, match="unmapped"):
        desk.trade(lambda: False)

    assert [command for _, command in desk.venue.sent] == [CANCEL]


def test_run__journal_cannot_be_written__nothing_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = ScriptedCore(on(FillReceived, order(1)))
    desk = Desk(tmp_path, script, FakeVenue([fill(1)]))
    quoted_market(desk)
    real = JournalWriter._write

    def full(self: JournalWriter, content: bytes) -> None:
        if desk.script.events(FillReceived):
            self._is_broken = True
            raise OSError(28, "No space left on device")
        real(self, content)

    monkeypatch.setattr(JournalWriter, "_write", full)
    with pytest.raises(EngineFailed, match="No space left"):
        desk.trade(lambda: False)

    assert desk.venue.sent == []


def test_ingest__two_thousand_updates_after_a_gap__are_one_decision(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore(), FakeVenue([book(n) for n in range(2_000)]))

    desk.trade(lambda: bool(desk.script.events(BookUpdated)))

    assert len(desk.script.events(BookUpdated)) == 1
    assert desk.script.events(Conflated) == [Conflated(source="dydx", count=1_999)]


def test_run__a_source_fails_with_an_error_of_ours__it_is_raised_as_it_is(tmp_path: Path) -> None:
    class Breaking(FakeVenue):
        async def run(self, emit: Callable[[Event], None]) -> None:
            emit(fill(1))
            raise VenueUnavailable("no answer")

    desk = Desk(tmp_path, ScriptedCore(), Breaking())

    with pytest.raises(VenueUnavailable, match="no answer"):
        desk.trade(lambda: False)


def test_run__the_first_step_fails__nothing_is_connected(tmp_path: Path) -> None:
    def answer(event: Event) -> Sequence[Command]:
        raise KeyError("settings")

    desk = Desk(tmp_path, ScriptedCore(answer))

    with pytest.raises(EngineFailed, match="step 1 failed on RunStarted"):
        desk.trade(lambda: False)

    assert not desk.venue.is_closed
    assert [step.error for step in desk.steps()] == ["KeyError"]


def test_ingest__signed_transaction_after_a_failure__is_refused(tmp_path: Path) -> None:
    """Its sender must not broadcast what is not in the log."""
    desk = Desk(
        tmp_path, ScriptedCore(failing_on_blocks), FakeVenue([VenueBlock(height=1, time_ns=1)])
    )

    with pytest.raises(EngineFailed):
        desk.trade(lambda: False)

    signed = TransactionSigned(command=CommandId(1, 1, 0), nonce=1, raw="0x", tx_hash="0x")
    with pytest.raises(StepFailedError):
        desk.engine.ingest(signed)


def test_run__the_clock_is_gone__stops_and_says_so(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore(), FakeVenue([fill(1)]))
    quoted_market(desk)

    def gone() -> int:
        raise ConfigError("world clock cannot be read")

    def ready() -> bool:
        if len(desk.script.seen) >= 2:
            desk.clock.now_ns = gone  # type: ignore[method-assign]
        return False

    with pytest.raises(ConfigError, match="world clock"):
        desk.trade(ready)

    assert desk.venue.is_closed
    assert [step.seq for step in desk.steps()][:2] == [1, 2]


def test_run__further_source__its_events_are_logged_and_it_is_closed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore())
    leader = FakeVenue([book(1)])
    desk.sources = (leader,)

    desk.trade(lambda: bool(desk.script.events(BookUpdated)))

    assert desk.logged(BookUpdated) == [book(1)]
    assert leader.is_closed


def test_run__further_source_fails__quotes_are_paused_and_the_error_is_raised(
    tmp_path: Path,
) -> None:
    class Misconfigured(FakeVenue):
        async def run(self, emit: Emit) -> None:
            emit(book(1))
            raise ConfigError("no such symbol", next_step="correct it")

    desk = Desk(tmp_path, ScriptedCore())
    desk.sources = (Misconfigured(),)

    with pytest.raises(ConfigError, match="no such symbol"):
        desk.trade(lambda: False)


def test_run__question_to_the_reporters__asked_after_it_is_logged_and_answered_by_an_event(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path, ScriptedCore(on(FillReceived, CollectReport(epoch=4))))
    desk.venue = FakeVenue([fill(1)])
    reporters = desk.reporters = FakeReporters()

    desk.trade(lambda: bool(desk.script.events(ReportCollected)))

    assert reporters.asked == [4]
    assert reporters.is_closed
    (question,) = [s for s in desk.steps() if CollectReport(epoch=4) in s.commands]
    (answer,) = [s for s in desk.steps() if isinstance(s.event, ReportCollected)]
    assert question.seq < answer.seq


def test_run__question_but_nobody_to_ask__dropped_with_the_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ScriptedCore(on(FillReceived, CollectReport(epoch=4))))
    desk.venue = FakeVenue([fill(1)])

    desk.trade(lambda: bool(desk.script.events(CommandResult)))

    (dropped,) = desk.logged(CommandResult)
    assert isinstance(dropped, CommandResult)
    assert (dropped.outcome, dropped.detail) == ("DROPPED", "this keeper asks no reporters")
