"""The reading commands on a journal: complete, equal to each other, honest about their source."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keeper.cli import holdings
from keeper.cli.exits import ExitCode
from keeper.cli.logs import Filter, Reading
from keeper.control.asking import ControlRefused, Request
from keeper.core.state import state_from_bytes
from keeper.domain import events as ev
from keeper.index.exports import COLUMNS
from keeper.index.log_entries import LogContext, LogReader
from keeper.journal import JournalReader
from keeper.pages.working import held_of, orders_of
from tests.keeper import builders
from tests.keeper.ledger_story import FEW, story, write_story
from tests.keeper.samples import Written, open_writer, write_steps

REPOSITORY = Path(__file__).resolve().parents[4]
CAUSES = ("spread", "inventory", "funding", "feesAndRebates", "incentives")
Keeper = Callable[..., Any]


@pytest.fixture
def steps() -> list[Written]:
    return story()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[Written]) -> Path:
    monkeypatch.setenv("KEEPER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    write_story(tmp_path / "journal", steps)
    return tmp_path / "journal"


def data_of(result: Any) -> dict[str, Any]:
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def exported(keeper: Keeper, journal: Path, table: str, *more: str) -> list[dict[str, str]]:
    result = keeper("export", table, "--journal", journal, *more)
    assert result.code == 0, result.err
    return list(csv.DictReader(io.StringIO(result.out)))


def events(steps: list[Written], kind: type) -> list[Any]:
    return [event for _, event, _ in steps if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("fills", ev.FillReceived),
        ("funding", ev.FundingPaid),
        ("transactions", ev.TransactionSigned),
    ],
)
def test_export__any_table__has_as_many_lines_as_the_journal_has_records(
    keeper: Keeper, journal: Path, steps: list[Written], table: str, kind: type
) -> None:
    rows = exported(keeper, journal, table)

    clob_or_chain = [row for row in rows if row.get("venue") != "pool"]
    assert len(clob_or_chain) == len(events(steps, kind)) > 0


def test_export__orders__has_every_order_once_with_its_end(keeper: Keeper, journal: Path) -> None:
    rows = exported(keeper, journal, "orders")

    first, lost, refused, expired = sorted(rows, key=lambda row: int(row["order_id"]))
    assert (first["state"], lost["state"]) == ("OPEN", "UNKNOWN")
    assert (refused["state"], refused["reason"]) == ("REJECTED", "clob 2003")
    assert expired["state"] == "EXPIRED"
    assert first["price"] == "2990"


@pytest.mark.parametrize("since", [(), ("--since", "2026-11-23")])
def test_export__any_window__sums_to_what_pnl_says(
    keeper: Keeper, journal: Path, since: tuple[str, ...]
) -> None:
    def units(table: str, column: str, venue: str = "clob") -> int:
        rows = exported(keeper, journal, table, *since)
        return sum(int(row[column]) for row in rows if row["venue"] == venue and row[column])

    def clob(column: str) -> int:
        return units("pnl", f"{column}_units")

    totals = data_of(keeper("pnl", "--journal", journal, *since, "--json"))

    assert units("fills", "edge_units") == clob("spread") != 0
    assert -units("fills", "fee_units") == clob("feesAndRebates") != 0
    assert units("funding", "amount_units") == clob("funding") != 0
    venue = next(entry for entry in totals["identity"] if entry["venue"] == "clob")
    assert units("transfers", "amount_units") == venue["transfers"]
    pool = next(entry for entry in totals["identity"] if entry["venue"] == "pool")
    assert units("transfers", "amount_units", "pool") == pool["transfers"]
    for cause in CAUSES:
        rows = exported(keeper, journal, "pnl", *since)
        assert totals["totals"][cause] == sum(int(row[f"{cause}_units"]) for row in rows)
    gas = sum(int(row["gas_wei"]) for row in exported(keeper, journal, "transactions", *since))
    assert totals["gas_wei"] == gas


@pytest.mark.parametrize("by", ["day", "week", "month", "market", "cause", "venue"])
def test_pnl__by_anything__rows_add_up_to_the_totals(
    keeper: Keeper, journal: Path, by: str
) -> None:
    data = data_of(keeper("pnl", "--by", by, "--journal", journal, "--json"))

    assert sum(row["total"] for row in data["rows"]) == data["totals"]["total"] != 0
    assert all(entry["difference"] == 0 for entry in data["identity"])
    assert data["time_zone"] == "UTC"


def test_pnl__for_a_person__shows_gas_beside_and_the_identity(
    keeper: Keeper, journal: Path
) -> None:
    shown = keeper("pnl", "--journal", journal).out

    assert "gas, paid by the keeper and outside the above: 0.0002 ETH in 1 transactions" in shown
    assert "clob: equity 100000 to" in shown
    assert shown.count("difference 0") == 2


def test_pnl__books_that_do_not_add_up__are_an_error_with_its_own_code(
    keeper: Keeper, tmp_path: Path, journal: Path, steps: list[Written]
) -> None:
    at = next(n for n, (_, event, _) in enumerate(steps) if isinstance(event, ev.FillReceived))
    write_story(tmp_path / "broken", steps[:at] + steps[at + 1 :])

    result = keeper("pnl", "--journal", tmp_path / "broken", "--json")

    assert result.code == ExitCode.BOOKS
    assert json.loads(result.out)["error"]["code"] == "PNL_UNEXPLAINED"


def test_fills__all_venues__are_one_ledger_by_time(keeper: Keeper, journal: Path) -> None:
    rows = data_of(keeper("fills", "--journal", journal, "--json"))["fills"]

    (swap,) = [row for row in rows if row["venue"] == "pool"]
    assert (swap["kind"], swap["side"], swap["base"], swap["quote"]) == (
        "swap",
        "BUY",
        "0.01",
        "-30",
    )
    assert (swap["price"], swap["gas_wei"]) == ("3000", 200_000 * 10**9)
    assert swap["tx_hash"] == "0xabcdef01"
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert 0 < rows.index(swap) < len(rows) - 1
    assert rows[0]["fee"].startswith("-")


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--venue", "pool"), 1),
        (("--venue", "clob"), 14),
        (("--market", "ETH-USD"), 15),
        (("--since", "2026-11-23", "--until", "2026-11-24"), 6),
        (("--limit", "3"), 3),
    ],
)
def test_fills__filtered__shows_what_was_asked_for(
    keeper: Keeper, journal: Path, options: tuple[str, ...], count: int
) -> None:
    assert len(data_of(keeper("fills", "--journal", journal, "--json", *options))["fills"]) == count


def test_export__lines_of_json__are_the_same_rows(keeper: Keeper, journal: Path) -> None:
    lines = keeper("export", "fills", "--journal", journal, "--format", "jsonl").out.splitlines()

    rows = [json.loads(line) for line in lines]
    assert [row["id"] for row in rows] == [r["id"] for r in exported(keeper, journal, "fills")]
    assert tuple(rows[0]) == COLUMNS["fills"]


def test_export__without_header__has_a_line_for_each_record(
    keeper: Keeper, journal: Path, steps: list[Written]
) -> None:
    lines = keeper("export", "fills", "--no-header", "--journal", journal).out.splitlines()

    assert len(lines) == len(events(steps, ev.FillReceived)) + 1  # and the swap


@pytest.mark.parametrize("command", ["orders", "positions", "fills", "pnl", "logs"])
def test_reading__any_answer__begins_with_who_says_it_of_which_run(
    keeper: Keeper, journal: Path, command: str
) -> None:
    data = data_of(keeper(command, "--journal", journal, "--json"))

    head = {"source": "journal", "journal": str(journal), "mode": "live"}
    where = {"network": "localdydxprotocol", "vault": "0xvault"}
    assert {name: data[name] for name in (*head, *where)} == head | where


def test_export__into_a_file__says_how_many_rows(
    keeper: Keeper, journal: Path, tmp_path: Path
) -> None:
    out = tmp_path / "fills.csv"

    data = data_of(keeper("export", "fills", "--journal", journal, "--out", out, "--json"))

    assert data["rows"] == len(out.read_text().splitlines()) - 1 == 15


def test_export__columns__are_all_documented() -> None:
    text = (REPOSITORY / "docs" / "exports.md").read_text(encoding="utf-8")

    for table, columns in COLUMNS.items():
        section = text.split(f"\n## {table}\n")[1].split("\n## ")[0]
        named = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert tuple(named) == columns, table


def test_orders__keeper_stopped__come_from_the_journal(keeper: Keeper, journal: Path) -> None:
    data = data_of(keeper("orders", "--journal", journal, "--json"))

    assert data["source"] == "journal"
    assert [order["state"] for order in data["orders"]] == ["OPEN", "UNKNOWN"]
    assert data["orders"][0]["good_til_block"] == 2_000
    assert data["orders"][0]["age_ms"] == 71 * 3_600_000


def test_orders__all__adds_those_that_ended(keeper: Keeper, journal: Path) -> None:
    data = data_of(keeper("orders", "--journal", journal, "--all", "--json"))

    assert [order["state"] for order in data["ended"]] == ["REJECTED", "EXPIRED"]


def running(monkeypatch: pytest.MonkeyPatch, mode: str = "live") -> builders.Keeper:
    """Let the control socket be answered by a core that quotes; JSON as over the wire."""
    core = builders.Keeper()
    core.start()
    state = state_from_bytes(_state_bytes(core))
    state.mode = mode

    def ask(_journal: Path, request: Request) -> dict[str, Any]:
        view = {"orders": orders_of, "positions": held_of}[request.verb]
        answer: dict[str, Any] = json.loads(json.dumps({request.verb: view(state)}))
        return answer

    monkeypatch.setattr(holdings, "ask", ask)
    return core


def _state_bytes(core: builders.Keeper) -> bytes:
    from keeper.core.state import state_bytes

    return state_bytes(core.state)


def test_orders__shadow_running__say_that_nothing_was_sent(
    keeper: Keeper, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(monkeypatch, mode="shadow")

    data = data_of(keeper("orders", "--journal", journal, "--json"))

    assert {order["state"] for order in data["orders"]} == {"SHADOW"}


def test_orders__keeper_running__are_its_own_with_their_slots(
    keeper: Keeper, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = running(monkeypatch)

    data = data_of(keeper("orders", "--journal", journal, "--json"))

    assert data["source"] == "running keeper"
    assert len(data["orders"]) == len(core.state.orders.working) == 6
    assert {order["slot"] for order in data["orders"]} == set(core.state.orders.slots)
    assert {order["state"] for order in data["orders"]} == {"SENT", "UNKNOWN"}


def test_positions__keeper_stopped__are_the_venues_word_and_what_came_after(
    keeper: Keeper, journal: Path, steps: list[Written]
) -> None:
    fills = events(steps, ev.FillReceived)
    quantums = sum(fill.side.sign * fill.quantums for fill in fills)

    data = data_of(keeper("positions", "--journal", journal, "--json"))

    (market,) = data["markets"]
    assert data["source"] == "journal"
    assert market["position_quantums"] == quantums != 0
    assert market["entry_price"] == "2999"
    assert market["unrealised"] == market["value"] - market["entry_cost"]
    assert market["net_delta"] == market["position"]
    assert data["account"]["equity"] == data["account"]["cash"] + market["value"]
    (pool,) = data["pools"]
    assert pool["idle_quote"] == "50000"


def test_positions__keeper_running__are_its_own(
    keeper: Keeper, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = running(monkeypatch)

    data = data_of(keeper("positions", "--journal", journal, "--json"))

    assert data["source"] == "running keeper"
    assert data["venue_height"] == core.state.height
    assert data["account"]["cash"] == core.state.account.usdc


def test_positions__for_a_person__are_shown(keeper: Keeper, journal: Path) -> None:
    shown = keeper("positions", "--journal", journal)

    assert shown.code == 0
    assert "ETH-USD" in shown.out
    assert "source: journal" in shown.err


def test_orders__keeper_that_refuses_to_answer__is_an_error(
    keeper: Keeper, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keeper that runs and does not know the question is not silently taken for a stopped one."""

    def refuse(_journal: Path, _request: Request) -> dict[str, Any]:
        raise ControlRefused("unknown verb orders")

    monkeypatch.setattr(holdings, "ask", refuse)

    assert keeper("orders", "--journal", journal).code == ExitCode.REFUSED


@pytest.mark.parametrize("command", ["orders", "positions", "fills", "pnl", "logs"])
def test_reading__folder_without_a_journal__is_named(
    keeper: Keeper, tmp_path: Path, command: str
) -> None:
    result = keeper(command, "--journal", tmp_path / "none", "--json")

    assert result.code == ExitCode.JOURNAL
    assert json.loads(result.out)["error"]["code"] == "JOURNAL_MISSING"


@pytest.mark.parametrize("when", ["yesterday", "7", "2026-13-01"])
def test_reading__moment_that_is_none__says_how_to_write_one(
    keeper: Keeper, journal: Path, when: str
) -> None:
    result = keeper("fills", "--journal", journal, "--since", when)

    assert result.code == ExitCode.CONFIG
    assert "7d" in result.err


def test_logs__levels__hide_what_is_below(keeper: Keeper, journal: Path) -> None:
    def kinds(*options: str) -> set[str]:
        data = data_of(keeper("logs", "--journal", journal, "-n", "0", "--json", *options))
        return {entry["kind"] for entry in data["entries"]}

    assert kinds("--level", "page") == {"RaiseAlert"}
    assert kinds("--level", "warn") == {"RaiseAlert", "NoteRefusal", "CommandResult"}
    assert {"OperatorCommand", "FillReceived", "TransactionMined", "RunStarted"} <= kinds()
    assert "PlaceOrder" not in kinds()
    assert "PlaceOrder" in kinds("--level", "debug")


def test_logs__tail__is_the_end_of_all_lines(keeper: Keeper, journal: Path) -> None:
    def lines(count: int) -> list[Any]:
        return list(
            data_of(keeper("logs", "--journal", journal, "-n", str(count), "--json"))["entries"]
        )

    everything = lines(0)
    assert len(everything) > 20
    for count in (1, 3, 12):
        assert lines(count) == everything[-count:]


def test_logs__id_of_anything__finds_all_its_records(keeper: Keeper, journal: Path) -> None:
    def found(wanted: str) -> list[str]:
        data = data_of(keeper("logs", "--journal", journal, "--id", wanted, "--json"))
        return [entry["kind"] for entry in data["entries"]]

    mined = ["SwapExactIn", "TransactionSigned", "TransactionMined", "TransactionMined"]
    (command,) = {
        entry["ids"][1]
        for entry in data_of(keeper("logs", "--journal", journal, "-n", "0", "--json"))["entries"]
        if entry["kind"] == "SwapExactIn"
    }
    assert found(command) == mined
    assert found("0xabcdef01") == mined[1:]
    assert found("fill-5") == ["FillReceived"]
    assert found(str(builders.CLIENT_ID_BASE + 1)) == ["PlaceOrder", "CommandResult"]
    assert found("nothing") == []


def test_logs__since__keeps_what_came_after(keeper: Keeper, journal: Path) -> None:
    options = ("--level", "warn", "--since", "2026-11-23T16:00", "--json")
    entries = data_of(keeper("logs", "--journal", journal, *options))["entries"]

    assert min(entry["time"] for entry in entries) >= "2026-11-23T16:00"
    assert ("RaiseAlert", "2026-11-23T16:00:00.250Z") in {(e["kind"], e["time"]) for e in entries}


def test_logs__market__keeps_its_own_and_what_has_none(journal: Path) -> None:
    chosen = Filter(level="debug", market="BTC-USD", wanted="", since_ns=0)
    entries = list(Reading(JournalReader(journal), LogReader(LogContext())).entries(chosen))

    assert {entry.market for entry in entries} == {""}
    assert {entry.kind for entry in entries} >= {"RaiseAlert", "VenueTransfer"}


def test_logs__followed_over_rotations__tell_each_record_once(
    tmp_path: Path, steps: list[Written]
) -> None:
    """Level debug of everything, read as the keeper writes, is what is read at the end."""
    chosen = Filter(level="debug", market="", wanted="", since_ns=0)
    folder = tmp_path / "followed"
    writer = open_writer(folder, FEW)
    reading = Reading(JournalReader(folder), LogReader(LogContext()))
    followed = []

    for at in range(0, len(steps), 50):
        write_steps(writer, steps[at : at + 50])
        followed += list(reading.entries(chosen))
    writer.close()

    whole = Reading(JournalReader(folder), LogReader(LogContext()))
    assert followed == list(whole.entries(chosen))
    assert len({entry.seq for entry in followed}) > 20
    assert len(list(folder.glob("account-*.sealed"))) > 2


def test_positions__fill_between_the_two_answers__asks_both_again(
    keeper: Keeper, journal: Path, steps: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper spoke one fill before the journal was read; its next word agrees."""
    fills = events(steps, ev.FillReceived)
    quantums = sum(fill.side.sign * fill.quantums for fill in fills)
    answers = iter([quantums - 1_000_000, quantums])
    core = running(monkeypatch)
    view = held_of(core.state)

    def ask(_journal: Path, _request: Request) -> dict[str, Any]:
        held = {**view, "positions": {"ETH-USD": next(answers)}}
        return {"positions": json.loads(json.dumps(held))}

    monkeypatch.setattr(holdings, "ask", ask)

    (market,) = data_of(keeper("positions", "--journal", journal, "--json"))["markets"]

    assert market["position_quantums"] == quantums
    assert market["unrealised"] == market["value"] - market["entry_cost"]


def test_positions__cost_of_another_position__is_not_taken_for_this_ones(
    keeper: Keeper, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = running(monkeypatch)
    view = {**held_of(core.state), "positions": {"ETH-USD": 1_000_000}}

    def ask(_journal: Path, _request: Request) -> dict[str, Any]:
        return {"positions": json.loads(json.dumps(view))}

    monkeypatch.setattr(holdings, "ask", ask)

    data = data_of(keeper("positions", "--journal", journal, "--json"))

    assert (data["markets"][0]["unrealised"], data["account"]["unrealised"]) == (None, None)
    assert data["markets"][0]["entry_price"] == ""


@pytest.mark.parametrize("command", ["orders", "positions", "fills", "logs"])
def test_reading__market_the_journal_never_saw__is_refused_with_those_it_has(
    keeper: Keeper, journal: Path, command: str
) -> None:
    result = keeper(command, "--market", "eth-usd", "--journal", journal, "--json")

    assert result.code == ExitCode.CONFIG
    assert json.loads(result.out)["error"]["next_step"] == "--market takes one of: ETH-USD"


@pytest.mark.parametrize("when", ["9999-01-01", "0001-01-01", "999999w"])
def test_reading__moment_beyond_any_record__is_an_empty_or_a_whole_window(
    keeper: Keeper, journal: Path, when: str
) -> None:
    data = data_of(keeper("fills", "--since", when, "--journal", journal, "--json"))

    assert len(data["fills"]) == (0 if when == "9999-01-01" else 15)


def test_reading__window_that_ends_before_it_begins__is_refused(
    keeper: Keeper, journal: Path
) -> None:
    words = ("--since", "2026-11-24", "--until", "2026-11-23")

    result = keeper("pnl", *words, "--journal", journal)

    assert result.code == ExitCode.CONFIG
    assert "--since 2026-11-24 is not before --until 2026-11-23" in result.err


def test_export__file_that_cannot_be_written__is_named(
    keeper: Keeper, journal: Path, tmp_path: Path
) -> None:
    out = tmp_path / "none" / "fills.csv"

    result = keeper("export", "fills", "--journal", journal, "--out", out)

    assert result.code == ExitCode.CONFIG
    assert f"--out {out} cannot be written: No such file or directory" in result.err
