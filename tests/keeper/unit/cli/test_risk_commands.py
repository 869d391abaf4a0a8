"""`keeper risk` against a keeper that decides, answers its socket and keeps its journal."""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keeper.bootstrap.params import Questions
from keeper.cli.exits import ExitCode
from keeper.config import load_config, to_step_settings
from keeper.control.server import ControlServer
from keeper.domain.events import Event, OperatorCommand, ParamsChanged
from keeper.journal import JournalWriter
from keeper.pages.risk import risk_of
from keeper.pages.status import status_of
from keeper.risk.phase import Phase
from tests.keeper.builders import USDC, Keeper, pool_seen, run_started, subaccount, vault
from tests.keeper.live_keeper import until
from tests.keeper.samples import open_writer

Shell = Callable[..., Any]
WHY = ("--reason", "the desk asked")


class Served(Keeper):
    """Decides by the file's settings, logs every step, and is told what the socket takes."""

    def __init__(self, file: Path) -> None:
        self.loaded = load_config(file)
        assert self.loaded.config.journal is not None
        folder = self.loaded.journal_folder(self.loaded.config.journal)
        self.writer: JournalWriter = open_writer(folder)
        self.told: list[Event] = []
        super().__init__(to_step_settings(self.loaded.config))
        self.start()
        self.answer()
        views: dict[str, Callable[[], dict[str, Any]]] = {
            "status": lambda: status_of(self.state, self.now),
            "risk": lambda: risk_of(self.state),
        }
        questions = Questions(self.loaded, lambda: self.state, self.hear).answers()
        tickers = tuple(self.state.markets)
        self._control = ControlServer(folder, self.hear, views, tickers, questions)

    def hear(self, event: Event) -> None:
        self.told.append(event)
        self.feed(event)
        self.answer()

    def feed(self, event: Event) -> Any:
        commands = super().feed(event)
        self.writer.append(self.now, event, commands)
        return commands

    def lose(self, usdc: int) -> None:
        """Have the venue say for some blocks that so much is gone."""
        for _ in range(4):
            self.feed(subaccount(self.height + 1, usdc=100_000 * USDC - usdc))
            self.block()

    def day_limit(self) -> int:
        assert self.state.settings is not None
        return self.state.settings.limits.daily_loss_quote_quantums

    def serve(self) -> Callable[[], None]:
        loop = asyncio.new_event_loop()
        task = loop.create_task(self._control.run())
        thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])))
        thread.start()

        def stop() -> None:
            loop.call_soon_threadsafe(task.cancel)
            thread.join()
            loop.close()
            self.writer.close()

        return stop


@pytest.fixture
def served(config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("KEEPER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KEEPER_CONFIG", str(config_file))
    running = Served(config_file)
    stop = running.serve()
    until(lambda: any(tmp_path.glob("keeper-*.sock")))
    yield running
    stop()


ADAPTER = "0x" + "66" * 20
POOL_SECTION = f"""
[[pools]]
adapter = "{ADAPTER}"
pool = "0x{"77" * 20}"
hedge_market = "ETH-USD"
asset_is_token0 = true
asset_decimals = 6
base_decimals = 18
half_width_ticks = 1200
recentre_ticks = 600
max_slippage_ppm = 5000
snapshot_max_age_ms = 30000
cooldown_seconds = 60
"""


@pytest.fixture
def capped(config_file: Path) -> None:
    """A pool beside the market, and next to nothing that may lie in ranges."""
    text = config_file.read_text()
    assert "max_lp_quote_quantums = 0\n" in text
    text = text.replace("max_lp_quote_quantums = 0\n", "max_lp_quote_quantums = 10_000_000\n")
    config_file.write_text(text + POOL_SECTION)


def data_of(shell: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.out)
    return found


def test_show__quoting__limits_fullest_first_with_unit_and_scope(
    keeper: Shell, served: Served
) -> None:
    data = data_of(keeper("risk", "show", "--json"))
    told = keeper("risk", "show")

    used = [row["used_ppm"] for row in data["limits"] if row["used_ppm"] is not None]
    assert used == sorted(used, reverse=True)
    assert (data["phase"], data["cause"], data["standing"]) == ("ACTIVE", None, [])
    rows = {row["code"]: row for row in data["limits"] if row["scope"] in ("vault", "ETH-USD")}
    assert rows["DAILY_LOSS"]["limit"] == served.day_limit()
    assert rows["MAX_POSITION"]["value"] > 0
    assert told.code == 0
    assert "DAILY_LOSS" in told.out
    assert "USDC" in told.out


def test_show__tokens_kept_out_of_a_range__which_limit_and_how_many_go_in(
    keeper: Shell, capped: None, served: Served
) -> None:
    served.feed(pool_seen(1, adapter=ADAPTER, amount0=100_000 * USDC, amount1=33 * 10**18))

    (cut,) = data_of(keeper("risk", "show", "--json"))["cuts"]
    (pool,) = data_of(keeper("status", "--json"))["pools"]
    told = [keeper("risk", "show").out, keeper("status").out]
    tried = keeper("risk", "set", "max_lp_quote_quantums", 5 * USDC, "--dry-run").out

    assert (cut["adapter"], cut["code"], cut["limit"]) == (ADAPTER, "MAX_LP", 10 * USDC)
    assert cut["wanted_assets"] == cut["value"] > 180_000 * USDC
    assert cut["fits_assets"] == 0
    assert pool["cut"] == cut
    for text in told:
        assert "USDC go into the range: MAX_LP" in text
        assert "against 10 USDC" in text
    assert "against 10 USDC" in tried
    assert "against 5 USDC" in tried


def test_show__stopped_by_a_loss__both_numbers_since_when_and_what_is_still_so(
    keeper: Shell, served: Served
) -> None:
    lost = served.day_limit() + 7
    served.lose(lost)

    data = data_of(keeper("risk", "show", "--json"))

    assert data["phase"] == "EXITING"
    assert data["since_ns"] == served.state.guard.turn.t_ns > 0
    stop = {"code": "DAILY_LOSS", "limit": served.day_limit(), "value": lost}
    assert data["cause"] == {**stop, "operator": "", "reason": ""}
    assert stop in data["standing"]


def test_show__halted__exit_code_11_and_who_said_so(keeper: Shell, served: Served) -> None:
    assert keeper("risk", "halt", *WHY).code == 0

    shown = keeper("risk", "show")

    assert shown.code == ExitCode.HALTED
    assert "the desk asked" in shown.out


def test_show__no_keeper__exit_code_13_and_how_to_start(keeper: Shell, config_file: Path) -> None:
    shell = keeper("risk", "show", "--config", config_file)

    assert shell.code == ExitCode.NOT_RUNNING
    assert "keeper run" in shell.out


def test_set__tighter__needs_no_confirmation_and_is_logged_with_who_and_why(
    keeper: Shell, served: Served
) -> None:
    before = served.day_limit()

    shell = keeper("risk", "set", "daily_loss_quote_quantums", before - 1, *WHY, "--json")

    (event,) = served.told
    assert isinstance(event, ParamsChanged)
    assert (event.reason, event.uid, event.pid) == (WHY[1], os.getuid(), os.getpid())
    assert served.day_limit() == before - 1
    assert data_of(shell)["changes"] == [
        {"path": "limits.daily_loss_quote_quantums", "before": before, "after": before - 1}
    ]
    assert not data_of(shell)["file_changed"]


def test_set__looser_unconfirmed__is_refused_and_with_yes_taken(
    keeper: Shell, served: Served
) -> None:
    name, before = "daily_loss_quote_quantums", served.day_limit()
    keeper("risk", "set", name, before - 1)

    refused = keeper("risk", "set", name, before)
    assert (refused.code, served.day_limit()) == (ExitCode.CONFIG, before - 1)
    assert "--yes" in refused.err

    assert keeper("risk", "set", name, before, "--yes").code == 0
    assert served.day_limit() == before


def test_set__looser_than_at_the_start__is_refused_even_with_yes(
    keeper: Shell, served: Served
) -> None:
    before = served.day_limit()

    shell = keeper("risk", "set", "daily_loss_quote_quantums", before + 1, "--yes")

    assert (shell.code, served.day_limit()) == (ExitCode.REFUSED, before)
    assert "PARAM_LOOSENS" in shell.err


def test_set__dry_run__shows_before_and_after_and_changes_nothing(
    keeper: Shell, served: Served
) -> None:
    shell = keeper("risk", "set", "limits.drawdown_ppm", 1_234, "--dry-run")

    assert shell.code == 0
    assert "1,234" in shell.out
    assert served.told == []


@pytest.mark.parametrize("name", ["nonsense", "market.ETH-USD.strategy.layers"])
def test_set__no_limit__is_refused_with_the_way_to_them(
    keeper: Shell, served: Served, name: str
) -> None:
    shell = keeper("risk", "set", name, 1, "--yes")

    assert shell.code == ExitCode.CONFIG
    assert "keeper params show" in shell.err
    assert served.told == []


@pytest.mark.parametrize(
    ("command", "phase"), [("exit", Phase.EXITING), ("flatten", Phase.EXITING), ("halt", None)]
)
def test_stop_and_resume__each_way__one_word_with_its_reason(
    keeper: Shell, served: Served, command: str, phase: Phase | None
) -> None:
    group = () if command == "flatten" else ("risk",)

    assert keeper(*group, command, "--wait", 0, *WHY).code == 0
    assert served.state.guard.phase is (phase or Phase.HALTED)

    assert keeper("risk", "resume", *WHY).code == 0
    assert served.state.guard.phase is Phase.ACTIVE
    words = [event for event in served.told if isinstance(event, OperatorCommand)]
    assert [word.reason for word in words] == [WHY[1], WHY[1]]
    assert {word.pid for word in words} == {os.getpid()}


@pytest.mark.parametrize("command", [("resume",), ("risk", "resume")])
def test_resume__loss_still_beyond_its_limit__needs_yes(
    keeper: Shell, served: Served, command: tuple[str, ...]
) -> None:
    served.lose(served.day_limit() + 1)
    assert served.state.guard.phase is Phase.EXITING

    refused = keeper(*command)
    assert (refused.code, served.told) == (ExitCode.REFUSED, [])
    assert "DAILY_LOSS" in refused.err
    assert "--yes" in refused.err

    assert keeper(*command, "--yes").code == 0
    assert served.state.guard.phase is Phase.ACTIVE


def test_resume__loss_made_good__needs_nothing(keeper: Shell, served: Served) -> None:
    served.lose(served.day_limit() + 1)
    served.lose(0)
    assert served.state.guard.phase is Phase.EXITING

    assert keeper("risk", "resume").code == 0

    assert served.state.guard.phase is Phase.ACTIVE
    assert served.state.orders.working


def test_resume__one_market_while_exiting__is_a_word_about_that_market_alone(
    keeper: Shell, served: Served
) -> None:
    served.lose(served.day_limit() + 1)

    assert keeper("resume", "ETH-USD", "--wait", 0).code == 0

    assert served.state.guard.phase is Phase.EXITING


def test_resume__vault_winds_down__is_refused_even_with_yes(keeper: Shell, served: Served) -> None:
    served.feed(vault(1, state="WINDDOWN"))
    assert served.state.guard.phase is Phase.EXITING

    shell = keeper("risk", "resume", "--yes")

    assert (shell.code, served.told) == (ExitCode.REFUSED, [])
    assert "never trades again" in shell.err


def test_reason__that_a_log_cannot_show__is_a_wrong_command_line(
    keeper: Shell, served: Served
) -> None:
    shell = keeper("risk", "halt", "--reason", "two\nlines")

    assert (shell.code, served.told) == (ExitCode.USAGE, [])


def test_log__words_changes_and_stops__who_when_what_and_both_numbers(
    keeper: Shell, served: Served
) -> None:
    limit = served.day_limit()
    keeper("pause", "ETH-USD", "--wait", 0)
    keeper("risk", "set", "daily_loss_quote_quantums", limit - 1, *WHY)
    served.lose(limit + 5)
    keeper("risk", "resume", "--yes", *WHY)

    entries = data_of(keeper("risk", "log", "--json"))["entries"]
    told = keeper("risk", "log").out

    seen = [(e["kind"], e["what"], e["before"], e["after"], e["reason"]) for e in entries]
    assert seen == [
        ("word", "pause ETH-USD", "", "", ""),
        ("change", "limits.daily_loss_quote_quantums", str(limit), str(limit - 1), WHY[1]),
        ("stop", "phase", "ACTIVE", "EXITING", ""),
        ("word", "resume", "EXITING", "ACTIVE", WHY[1]),
    ]
    assert (entries[2]["code"], entries[2]["limit"]) == ("DAILY_LOSS", limit - 1)
    assert entries[2]["value"] == limit + 5
    assert [e["uid"] for e in entries] == [os.getuid(), os.getuid(), -1, os.getuid()]
    assert "the keeper" in told
    assert f"pid {os.getpid()}" in told
    assert "DAILY_LOSS" in told


def test_log__restart_with_another_file__says_what_it_changed_and_that_it_was_the_file(
    keeper: Shell, served: Served
) -> None:
    limit = served.day_limit()
    keeper("risk", "set", "daily_loss_quote_quantums", limit - 1)
    assert data_of(keeper("risk", "log", "--json"))["count"] == 1

    served.feed(run_started(to_step_settings(served.loaded.config), run=2))
    last = data_of(keeper("risk", "log", "--json"))["entries"][-1]

    assert (last["kind"], last["what"]) == ("restart", "limits.daily_loss_quote_quantums")
    assert (last["before"], last["after"], last["operator"]) == (str(limit - 1), str(limit), "")
    assert "the file" in keeper("risk", "log").out


def test_log__since__leaves_out_what_was_before(keeper: Shell, served: Served) -> None:
    keeper("pause", "ETH-USD", "--wait", 0)

    later = keeper("risk", "log", "--since", "2100-01-01", "--json")

    assert data_of(later)["entries"] == []
    assert "nothing was changed" in later.err


def test_logs__phase_and_words__say_who_and_why(keeper: Shell, served: Served) -> None:
    keeper("risk", "halt", *WHY)
    keeper("risk", "resume")
    served.lose(0)
    served.lose(served.day_limit() + 5)

    told = keeper("logs", "--lines", 0).out

    assert f"(uid {os.getuid()}, pid {os.getpid()}): halt: the desk asked" in told
    assert "phase ACTIVE -> HALTED by" in told
    assert f"phase ACTIVE -> EXITING, DAILY_LOSS: {served.day_limit() + 5:,} against" in told
