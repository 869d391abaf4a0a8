"""`make expectations`: what users of such software expect, row by row, on a running world.

Each row is a command an outsider would type, or names the tests that hold it; the table goes to
stdout and `out/expectations.md`. Exit code 1 when a row does not hold.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from keeper.cli.exits import ExitCode
from tests.e2e.console import KEEPER, ROOT, Run, keeper
from tests.e2e.local_world import UNIT, LocalWorld, Service, until

VENUE_ASSETS: Final = 50_000 * UNIT
FILLS_WANTED: Final = 4
PROMISED_SECONDS: Final = 0.4
PATIENCE_SECONDS: Final = 180


@dataclass(slots=True)
class Stage:
    """A world with a live keeper that has been filled on its order book."""

    world: LocalWorld
    service: Service
    folder: Path

    def run(self, *arguments: str, **environment: str) -> Run:
        """Run a command on the world's configuration, without a terminal."""
        return keeper(
            (*arguments, "--config", str(self.world.config)), {**self.world.keys(), **environment}
        )

    def bare(self, *arguments: str, **environment: str) -> Run:
        return keeper(arguments, environment)

    def text(self, *arguments: str) -> str:
        """What a command prints without --json."""
        done = subprocess.run(
            [KEEPER, *arguments],
            env={**os.environ, **self.world.keys()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout


@dataclass(frozen=True, slots=True)
class Row:
    """An expectation: its check returns what was seen, or raises AssertionError."""

    name: str
    words: str
    typed: str
    check: Callable[[Stage], str]


@dataclass(slots=True)
class Table:
    rows: list[Row] = field(default_factory=list)

    def row(
        self, name: str, words: str, typed: str
    ) -> Callable[[Callable[[Stage], str]], Callable[[Stage], str]]:
        def add(check: Callable[[Stage], str]) -> Callable[[Stage], str]:
            self.rows.append(Row(name, words, typed, check))
            return check

        return add

    def held_by(self, name: str, words: str, *tests: str) -> None:
        """A row that tests hold; the check is that they exist, `make test` runs them."""

        def exist(_stage: Stage) -> str:
            sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
            missing = [test for test in tests if f"def {test}(" not in sources]
            assert not missing, f"no such test: {missing}"
            return f"{len(tests)} tests"

        self.rows.append(Row(name, words, "make test: " + ", ".join(tests), exist))


TABLE: Final = Table()
row, held_by = TABLE.row, TABLE.held_by


@row("O-01", "no prompt, no terminal needed", "keeper status --json </dev/null")
def _(stage: Stage) -> str:
    state = stage.run("status").data["state"]
    assert state == "ACTIVE"
    return f"state {state}"


@row("O-02", "--json on every command, stdout data only", "keeper commands --json")
def _(stage: Stage) -> str:
    entries = stage.bare("commands").data["commands"]
    without = [
        entry["command"]
        for entry in entries
        if not any("--json" in parameter["flags"] for parameter in entry["parameters"])
    ]
    assert len(entries) > 40
    assert without == [], f"without --json: {without}"
    return f"{len(entries)} commands"


@row("O-03", "exit codes in --help, one meaning each", "keeper config check bad.toml; echo $?")
def _(stage: Stage) -> str:
    bad = stage.folder / "bad.toml"
    bad.write_text("format_version = 1\nnonsense = true\n")
    run = stage.bare("config", "check", str(bad))
    assert run.exit_code == ExitCode.CONFIG
    helped = stage.text("--help")
    assert all(f"\n  {int(code)} " in helped for code in ExitCode)
    return f"exit {run.exit_code}, {len(ExitCode)} codes in --help"


@row("O-04", "doctor: ok, warn, fail or skip, and the fix", "keeper doctor --json")
def _(stage: Stage) -> str:
    run = stage.run("doctor")
    rows = json.loads(run.stdout)["checks"]
    assert {entry["status"] for entry in rows} <= {"ok", "warn", "fail", "skip"}
    assert all(entry["fix"] for entry in rows if entry["status"] in ("fail", "warn"))
    failing = {entry["id"] for entry in rows if entry["status"] == "fail"}
    assert failing == {"reporter.reach"}, failing  # this world runs no reporter
    assert run.exit_code == ExitCode.UNHEALTHY
    return f"{len(rows)} rows; reporter.reach fails, as no reporter runs"


@row("O-06", "a wizard, and flags; missing fields named", "keeper config init --no-input --set")
def _(stage: Stage) -> str:
    target = stage.folder / "testnet.toml"
    init = ("config", "init", "--out", str(target), "--venue", "dydx-testnet", "--no-input")
    refused = stage.bare(*init)
    assert refused.exit_code == ExitCode.CONFIG
    missing = [problem["path"] for problem in refused.problems]
    given = [word for path in missing for word in ("--set", f"{path}={EXAMPLES[path]}")]
    assert stage.bare(*init, *given).data
    assert stage.bare("config", "check", str(target)).data
    return f"names {', '.join(missing)}; complete with them"


WHEN: Final = ("before", "after")
EXAMPLES: Final = {
    "evm.rpc_url": "http://127.0.0.1:8545",
    "evm.chain_id": "1",
    **dict.fromkeys(
        ("vault.address", "vault.reporter", "venue.adapter"),
        "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    ),
    **dict.fromkeys(
        ("venue.address", "venue.bridge_address"), "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"
    ),
}


@row("O-07", "JSON Schema for the editor", "keeper config schema")
def _(stage: Stage) -> str:
    schema = json.loads(stage.bare("config", "schema").stdout)
    described = json.dumps(schema).count('"description"')
    assert described > 80
    return f"{described} descriptions"


@row("O-08", "effective values, origin, secrets masked", "keeper config show --origin")
def _(stage: Stage) -> str:
    shown = keeper(("config", "show", "--origin", str(stage.world.config)), stage.world.keys()).data
    text = json.dumps(shown)
    secrets = stage.world.keys().values()
    assert not any(secret.removeprefix("0x") in text for secret in secrets)
    return "no secret in it"


@row("O-09", "versioned, migrated by one command", "keeper config migrate --dry-run old.toml")
def _(stage: Stage) -> str:
    file = stage.folder / "future.toml"
    file.write_text("format_version = 99\n")
    refused = stage.bare("config", "migrate", "--dry-run", str(file))
    current = stage.bare("config", "migrate", "--dry-run", str(stage.world.config))
    assert refused.exit_code == ExitCode.CONFIG
    return f"version 99 refused; ours: {json.dumps(current.data)[:60]}"


@row("O-10", "parameters changed while quoting, previewed", "keeper params show | set")
def _(stage: Stage) -> str:
    shown = stage.run("params", "show").data["parameters"]
    live = [entry for entry in shown if entry["live"] == "now"]
    spread = next(entry for entry in live if entry["path"].endswith(".spread_min_ppm"))
    wish = f"{spread['path']}={spread['value'] * 2}"
    preview = stage.run("params", "set", "--dry-run", wish).data
    assert not preview["applied"]
    assert all(market[when]["quotes"] for market in preview["quotes"] for when in WHEN)
    return f"{len(shown)} parameters, {len(live)} take effect now; quotes before and after"


@row("O-11", "pause, resume, cancel, flatten: four verbs", "keeper flatten --dry-run")
def _(stage: Stage) -> str:
    data = stage.run("flatten", "--dry-run").data
    assert stage.run("status").data["state"] == "ACTIVE"
    stage.run("pause", "ETH-USD").data["in_effect"]
    paused = stage.run("status").data["markets"][0]
    assert paused["paused"], paused
    assert (paused["bids"], paused["asks"]) == (0, 0)
    assert stage.run("resume", "ETH-USD").data["in_effect"]
    return f"would send {len(data['commands'])} commands; paused and resumed"


@row("O-12", "logs by market, level, id", "keeper logs --market ETH-USD --level warn")
def _(stage: Stage) -> str:
    lines = stage.run("logs", "--market", "ETH-USD").data
    return f"{sum(len(part) for part in lines.values() if isinstance(part, list))} lines"


@row("O-13", "PnL by day and cause; equals the export", "keeper pnl --by day --json")
def _(stage: Stage) -> str:
    seconds = stage.run("status").data["t_ns"] // 10**9
    until_now = ("--until", datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M"))
    shown = stage.run("pnl", "--by", "day", *until_now).data["totals"]
    exported = table(stage, "pnl", *until_now)
    causes = ("spread", "inventory", "funding", "feesAndRebates", "incentives", "total")
    sums = {cause: sum(int(line[f"{cause}_units"]) for line in exported) for cause in causes}
    assert sums == {cause: shown[cause] for cause in causes}
    return f"total {sums['total']} units in both, each cause too"


@row("O-14", "complete export, no hidden limit", "keeper export fills | wc -l")
def _(stage: Stage) -> str:
    before = stage.run("fills", "--limit", "0").data["fills"]  # it goes on trading
    exported = table(stage, "fills")
    after = stage.run("fills", "--limit", "0").data["fills"]
    ids = [line["id"] for line in exported]
    assert ids[: len(before)] == [fill["id"] for fill in before]
    assert ids == [fill["id"] for fill in after][: len(ids)]
    assert len(exported) >= FILLS_WANTED
    return f"{len(exported)} lines"


@row("O-15", "order book and pool in one ledger", "keeper fills --venue all")
def _(stage: Stage) -> str:
    venues = {entry["venue"] for entry in stage.run("fills", "--venue", "all").data["fills"]}
    assert "clob" in venues
    return f"venues {sorted(venues)}; pool rows: test_demo"


@row("O-17", "read-only browser view on loopback", "keeper serve; curl -X POST /")
def _(stage: Stage) -> str:
    arguments = ("serve", "--config", str(stage.world.config), "--port", "0", "--json")
    service = Service(arguments, stage.folder / "serve.log", stage.world.keys())
    try:
        url = whole_object(service)["url"].rstrip("/")
        with httpx.Client(timeout=30) as client:
            codes = {path: client.get(url + path).status_code for path in PATHS}
            refused = client.post(url + "/").status_code
    finally:
        service.stop()
    assert set(codes.values()) == {200}, codes
    assert refused == 405
    return f"{', '.join(PATHS)} 200; POST 405"


def whole_object(service: Service) -> dict[str, Any]:
    """The JSON object a long-running command prints first, over several lines."""
    lines = [service.line(30)]
    while lines[-1] != "}\n":
        lines.append(service.line(30))
    found: dict[str, Any] = json.loads("".join(lines))
    return found


PATHS: Final = ("/", "/snapshot", "/health")


@row("O-23", "one flag for shadow; mode everywhere", "keeper status --json | jq .mode")
def _(stage: Stage) -> str:
    status = stage.run("status").data
    assert (status["mode"], status["network"]) == ("live", "localdydxprotocol")
    return f"{status['mode']} on {status['network']}"


@row("O-24", "keys added, listed, never shown", "keeper keys add hot; keeper keys list --json")
def _(stage: Stage) -> str:
    folder = stage.folder / "keys"
    where = ("--keystore-dir", str(folder))
    secret = {"PASSWORD": "correct horse battery staple"}
    stage.bare("keys", "add", "hot", *where, "--password-env", "PASSWORD", **secret).data["name"]
    listed = stage.bare("keys", "list", *where)
    modes = {path.stat().st_mode & 0o777 for path in folder.glob("*.json")}
    assert modes == {0o600}
    assert not re.search(r"\b(0x)?[0-9a-f]{64}\b", listed.stdout)
    return "mode 0600, no key in the list"


@row("O-28", "starts fast", "time keeper --help; time keeper config check")
def _(stage: Stage) -> str:
    helped = cpu_seconds(stage.folder, "--help")
    checked = cpu_seconds(stage.folder, "config", "check", str(stage.world.config))
    assert max(helped, checked) <= PROMISED_SECONDS
    return f"{helped:.2f} s and {checked:.2f} s of CPU, least of five"


@row("O-29", "every code explained, with the next step", "keeper explain STALE_ORACLE")
def _(stage: Stage) -> str:
    from keeper.cli.codes import CODES

    documented = (ROOT / "docs" / "cli.md").read_text()
    missing = [code for code in CODES if f"`{code}`" not in documented]
    assert missing == []
    assert stage.bare("explain", next(iter(CODES))).data
    return f"{len(CODES)} codes"


@row("D-01", "what a deposit gets, before signing", "keeper vault deposit 1000 --preview")
def _(stage: Stage) -> str:
    ada = stage.world.address("ada")
    data = stage.run("vault", "deposit", "1000", "--preview", "--from", ada).data
    wanted = {"shares_at_settled_price", "claimable_at_earliest", "joins_epoch"}
    assert wanted <= set(flat(data))
    return f"{len(flat(data))} figures"


@row("D-02", "four states, both directions", "keeper vault requests ADDRESS --json")
def _(stage: Stage) -> str:
    data = stage.run("vault", "requests", stage.world.address("ada")).data
    text = json.dumps(data)
    assert all(word in text for word in ("pending", "settlement", "claimable", "claimed"))
    return "pending, at settlement, claimable, claimed"


@row("D-07", "a file the Safe's builder takes", "keeper vault deposit 10 --approve --safe FILE")
def _(stage: Stage) -> str:
    file = stage.folder / "safe.json"
    stage.world.mint("ada", 10 * UNIT)
    ada = stage.world.address("ada")
    stage.run("vault", "deposit", "10", "--approve", "--safe", str(file), "--from", ada)
    batch = json.loads(file.read_text())
    assert batch["version"] == "1.0"
    assert re.fullmatch(r"0x[0-9a-f]{64}", batch["meta"]["checksum"])
    return f"{len(batch['transactions'])} transactions, checksum"


@row("D-11", "returns with window and method", "keeper vault show --explain")
def _(stage: Stage) -> str:
    data = stage.run("vault", "show", "--explain").data
    text = json.dumps(data)
    assert "return" in text
    assert "inception" in text
    return f"{len(flat(data))} figures"


@row("K-11", "example files load", "for f in config/*.toml; keeper config check $f")
def _(stage: Stage) -> str:
    files = sorted((ROOT / "config").glob("*.toml"))
    codes = {file.name: stage.bare("config", "check", str(file)).exit_code for file in files}
    assert set(codes.values()) == {0}, codes
    return ", ".join(codes)


@row("K-12", "address book recomputed", "keeper addresses verify --chain 31337")
def _(stage: Stage) -> str:
    (book,) = stage.world.folder.rglob("31337.json")
    where = ("--file", str(book), "--rpc-url", str(stage.world.record["evm_rpc_url"]))
    data = stage.bare("addresses", "verify", "--chain", "31337", *where).data
    return f"{len(data['contracts'])} contracts"


held_by("O-05", "first shadow quote by copy and paste", "test_readme__first_quote__by_its_commands")
held_by(
    "O-26",
    "upgrade in place loses nothing",
    "test_upgrade__cleanly_ended__loses_nothing_and_both_releases_replay_it",
)
held_by(
    "D-05",
    "a contract wallet can do everything",
    "test_safe__deposit_then_claim__by_the_files_alone",
)
held_by(
    "K-01",
    "a wheel without compiler or Node",
    "test_wheel__commands__work_without_node_and_terminal",
)
held_by(
    "K-03", "locked and newest libraries", "test_wheel__clean_environment__has_neither_ape_nor_web3"
)
held_by("K-06", "typed for importers", "test_wheel__types__are_seen_by_an_importer")
held_by("K-20", "no telemetry", "test_package__hosts__are_only_the_venue_presets")


def table(stage: Stage, name: str, *options: str) -> list[dict[str, str]]:
    text = stage.text("export", name, "--config", str(stage.world.config), *options)
    return list(csv.DictReader(io.StringIO(text)))


def flat(data: Any) -> list[str]:
    """Every key of nested JSON objects."""
    if isinstance(data, dict):
        return [*data, *(key for value in data.values() for key in flat(value))]
    if isinstance(data, list):
        return [key for value in data for key in flat(value)]
    return []


def cpu_seconds(folder: Path, *arguments: str) -> float:
    """Least of five starts, with bytecode as an installed keeper has it."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    measured = []
    for _ in range(5):
        before = os.times()
        subprocess.run([KEEPER, *arguments], env=environment, check=True, capture_output=True)
        after = os.times()
        spent = after.children_user + after.children_system
        measured.append(spent - before.children_user - before.children_system)
    return min(measured)


def open_stage(folder: Path) -> Stage:
    """Start a world and a live keeper, and wait until it has been filled."""
    world = LocalWorld.start(folder)
    world.fund_venue_account(VENUE_ASSETS)
    arguments = ("run", "--config", str(world.config))
    service = Service(arguments, folder / "keeper.log", world.keys())
    stage = Stage(world, service, folder)

    def filled() -> bool:
        assert service.process.poll() is None, service.log.read_text()
        run = stage.run("fills")
        return run.exit_code == 0 and len(run.data["fills"]) >= FILLS_WANTED

    until(filled, "fills", patience_seconds=PATIENCE_SECONDS)
    return stage


def judge(stage: Stage, entry: Row) -> tuple[bool, str]:
    try:
        return True, entry.check(stage)
    except Exception as error:  # noqa: BLE001 - the table says of each row what went wrong
        return False, f"{type(error).__name__}: {error}".replace("\n", " ")[:300]


def rendered(verdicts: list[tuple[Row, bool, str]]) -> str:
    head = f"`make expectations`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n\n"
    lines = ["| row | expectation | typed | holds | seen |", "|---|---|---|---|---|"]
    for entry, holds, seen in verdicts:
        typed = entry.typed.replace("|", "\\|")
        verdict = "yes" if holds else "NO"
        lines.append(f"| {entry.name} | {entry.words} | `{typed}` | {verdict} | {seen} |")
    return head + "\n".join(lines) + "\n"


def main() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="expectations-") as folder:
        stage = open_stage(Path(folder))
        try:
            rows = sorted(TABLE.rows, key=lambda entry: entry.name)
            verdicts = [(entry, *judge(stage, entry)) for entry in rows]
        finally:
            stage.service.stop()
            stage.world.stop()
    report = rendered(verdicts)
    out = ROOT / "out"
    out.mkdir(exist_ok=True)
    (out / "expectations.md").write_text(report)
    failed = [entry.name for entry, ok, _ in verdicts if not ok]
    sys.stdout.write(report)
    sys.stdout.write(
        f"\n{len(verdicts) - len(failed)} of {len(verdicts)} rows hold, "
        f"{time.monotonic() - started:.0f} s\n"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
