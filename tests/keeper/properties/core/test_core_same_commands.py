"""What the core sends is a function of the log alone: pinned for one tape, memory or not."""

import hashlib

import pytest
from msgspec.structs import replace

from benchmarks.tape import LEADER, Market, TapeClock, play
from keeper.core import quoting
from keeper.core import step as step_module
from keeper.core.state import State, initial_state, state_bytes
from keeper.core.step import step
from keeper.domain.commands import CommandId
from keeper.domain.events import Event
from keeper.engine.sequencer import Issued
from keeper.journal.records import CommandRecord, Stream, encode_record
from keeper.risk import sizing
from tests.keeper.builders import START_NS, run_started
from tests.keeper.properties.core.test_core_limits import Day

COMMANDS = 409
DIGEST = "027af65fb167640281f201429e87e19ca8dbc037b6b15a34c0ec54cd2f1d3793"


class _Recorder:
    """Steps the tape's events and hashes every command as the journal would hold it."""

    def __init__(self, clock: TapeClock) -> None:
        self.clock = clock
        self.state = initial_state()
        self.seq = 0
        self.commands = 0
        self.hash = hashlib.sha256()

    def process(self, event: Event) -> list[Issued]:
        self.seq += 1
        now = self.clock.now
        issued = []
        for ordinal, approved in enumerate(step(self.state, now, self.seq, event)):
            record = CommandRecord(
                stream=Stream.ACCOUNT,
                seq=self.seq,
                ordinal=ordinal,
                t_ns=now,
                command=approved.value,
            )
            self.hash.update(encode_record(record))
            self.commands += 1
            issued.append(Issued(CommandId(1, self.seq, ordinal), approved, now))
        return issued


def test_step__seeded_tape__commands_of_the_pinned_digest() -> None:
    """Work on speed must not move a byte; whoever changes a decision pins the new digest."""
    clock = TapeClock()
    recorder = _Recorder(clock)

    play(recorder.process, clock, layers=3, blocks=60)

    assert (recorder.commands, recorder.hash.hexdigest()) == (COMMANDS, DIGEST)


def test_step__ladders_remembered_or_computed_anew__same_commands_and_bytes() -> None:
    """The remembered ladder is keyed by all it is made of: forgetting it changes nothing."""
    commands = 0
    for seed in range(4):
        day = Day(seed)
        for _ in range(40):
            day.block()
        chosen = day.keeper.state.settings
        assert chosen is not None
        remembering, forgetting = initial_state(), initial_state()
        events = [(START_NS, run_started(chosen)), *day.log]
        remembered = [
            step(remembering, now, seq, event) for seq, (now, event) in enumerate(events, start=1)
        ]
        for seq, (now, event) in enumerate(events, start=1):
            quoting._fitted.cache_clear()
            sizing._frame.cache_clear()
            issued = step(forgetting, now, seq, event)
            commands += len(issued)

            assert issued == remembered[seq - 1]
        assert state_bytes(remembering) == state_bytes(forgetting)
    assert commands > 500


def _stepped(log: list[tuple[int, Event]]) -> tuple[State, list[object], int]:
    """Step a log; also how many events met a loss beyond its limit."""
    state, issued, breached = initial_state(), [], 0
    for seq, (now, event) in enumerate(log, start=1):
        issued.append(step(state, now, seq, event))
        breached += bool(state.guard.loss.breaches)
    return state, issued, breached


def test_step__events_of_quotes_alone__come_to_what_the_whole_step_makes_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What such a step leaves out would have changed nothing, losses that stop quoting included."""
    breached = 0
    for seed in range(3):
        day = Day(seed)
        for _ in range(30):
            day.block()
        chosen = day.keeper.state.settings
        assert chosen is not None
        limits = replace(chosen.limits, daily_loss_quote_quantums=1)
        log = [(START_NS, run_started(replace(chosen, limits=limits))), *day.log]

        short = _stepped(log)
        with monkeypatch.context() as patch:
            patch.setattr(step_module, "_OF_QUOTES_ALONE", frozenset())
            whole = _stepped(log)

        breached += short[2]
        assert short[1:] == whole[1:]
        assert state_bytes(short[0]) == state_bytes(whole[0])
    assert breached > 100


def test_step__a_leaders_quotes__come_to_what_the_whole_step_makes_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for kinds in (step_module._OF_QUOTES_ALONE, frozenset[type]()):
        monkeypatch.setattr(step_module, "_OF_QUOTES_ALONE", kinds)
        clock = TapeClock()
        recorder = _Recorder(clock)
        play(recorder.process, clock, layers=1, blocks=20, market=Market(seed=3, leader=LEADER))
        found.append((recorder.commands, recorder.hash.digest(), state_bytes(recorder.state)))

    assert found[0] == found[1]
    assert found[0][0] > 40
