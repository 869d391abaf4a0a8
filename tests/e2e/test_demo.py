"""The demonstration as a stranger sees it: one command, then its journal in other processes."""

import html
import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from keeper.cli.exits import ExitCode
from keeper.devnet.identities import HOT_WALLET, evm_identities, venue_identity
from keeper.domain.events import FillReceived, TransactionMined
from keeper.domain.orders import Side
from keeper.journal import JournalReader
from keeper.journal.framing import FrameReader, body_of
from keeper.journal.layout import unpack_sealed
from tests.e2e.console import KEEPER, ROOT, Run, keeper, keeper_here

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DEMO_PATIENCE_SECONDS = 900
FLIP_SEED = 20_261_122
FLIPS_PER_FILE = 2
COUNTED = (
    "USDC held",
    "USDC minted",
    "WETH held",
    "WETH minted",
    "vault shares",
    "keeper's stake",
    "USDC on the exchange",
    "collateral pool",
    "ada's claim",
    "ALB held",
    "athALB held",
    "bond payments",
    "bond proceeds",
    "treasury's shares",
    "bond escrow, after the sale",
    "bond escrow, after all was fetched",
    "note 1, dora",
    "note 2, half way",
    "note 2, emil, then hana",
    "project, epoch 2: settlement",
)
"""Without these rows the table would not have counted all the money."""
NOWHERE = "http://127.0.0.1:9"
PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PROXIES = dict.fromkeys(PROXY_VARIABLES, NOWHERE)
OUTWARD = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
LOADING_STYLE = re.compile(r"@import|url\(\s*['\"]?\s*(https?:)?//", re.IGNORECASE)
LOADING_ATTRIBUTES = {"src", "srcset", "data", "poster", "background", "action", "formaction"}


@dataclass(frozen=True, slots=True)
class Demo:
    """A demonstration that was told to its end."""

    out: Path
    exit_code: int
    output: str

    @property
    def journal(self) -> Path:
        return self.out / "world" / "journal"

    @property
    def config(self) -> Path:
        return self.out / "world" / "keeper.toml"

    @property
    def checks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.out / "checks.json").read_text())
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the demonstration once for all tests of this module."""
    out = tmp_path_factory.mktemp("demo")
    command = [KEEPER, "devnet", "demo", "--out", str(out)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEMO_PATIENCE_SECONDS,
        check=False,
    )
    return Demo(out, done.returncode, done.stdout)


@pytest.fixture(scope="module")
def told(demo: Demo) -> Demo:
    """A demonstration that succeeded; of another one only its exit code is judged."""
    assert demo.exit_code == 0, demo.output
    return demo


@pytest.fixture(scope="module")
def journal(told: Demo) -> Path:
    """The demonstration's journal."""
    return told.journal


class Loads(HTMLParser):
    """Collects what a page would fetch from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.outward: list[str] = []
        self.tags: set[str] = set()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._in_style = tag == "style"
        for name, value in attrs:
            fetches = name in LOADING_ATTRIBUTES or (name == "href" and tag != "a")
            if value is not None and (fetches and OUTWARD.match(value)):
                self.outward.append(f"<{tag} {name}={value}>")
            if value is not None and name == "style" and LOADING_STYLE.search(value):
                self.outward.append(f"<{tag} style={value}>")

    def handle_data(self, data: str) -> None:
        if self._in_style and LOADING_STYLE.search(data):
            self.outward.append(data)
        self._in_style = False


def loads_of(page: str) -> Loads:
    """Return what a page loads."""
    parser = Loads()
    parser.feed(page)
    return parser


def test_loads__of_a_page_that_fetches__are_found() -> None:
    page = '<script src="https://a/x.js"></script><link href="//b"><style>@import "c"</style>'
    assert len(loads_of(page).outward) == 3
    assert loads_of('<a href="https://a">a</a><style>p{}</style>').outward == []


def test_demo__told_to_its_end__exits_with_zero(demo: Demo) -> None:
    assert demo.exit_code == 0, demo.output


def test_demo__its_count__holds_row_by_row(told: Demo) -> None:
    differing = [check for check in told.checks if check["left"] != check["right"]]
    assert differing == []
    assert all(check["holds"] is True for check in told.checks)


def test_demo__its_count__covers_all_money_the_reports_and_the_replay(told: Demo) -> None:
    names = [check["name"] for check in told.checks]
    assert set(COUNTED) <= set(names)
    assert len([name for name in names if name.startswith("replay: ")]) >= 3
    by_name = {check["name"]: check["left"] for check in told.checks}
    assert all(by_name[name] > 0 for name in COUNTED)


def test_demo__the_table__shows_every_check(told: Demo) -> None:
    assert "DIFFERS" not in told.output
    assert "Counted from the chain and the exchange" in told.output


def test_demo__report_page__is_self_contained(told: Demo) -> None:
    loads = loads_of((told.out / "report.html").read_text())
    assert loads.outward == []
    assert "iframe" not in loads.tags
    assert {"html", "table"} <= loads.tags


def test_demo__report_page__shows_the_auction_and_what_the_project_owns(told: Demo) -> None:
    page = (told.out / "report.html").read_text()
    assert "ALB: the auction's price and its purchases" in html.unescape(page)
    assert all(f"{buyer} 0x" in page for buyer in ("dora", "emil", "farah", "goran", "hana"))
    assert "What the project owns, and where it is" in page


def test_demo__the_projects_keeper__swapped_and_provided_its_pool(told: Demo) -> None:
    """Its journal is a keeper's like any other: of one pool, and of no order book."""
    steps = list(JournalReader(told.out / "world" / "project-journal").steps())
    events = [step.event for step in steps]
    mined = [event for event in events if isinstance(event, TransactionMined)]
    kinds = [effect.kind for event in mined if event.succeeded for effect in event.effects]
    assert {"swap", "mint"} <= set(kinds)
    assert not any(isinstance(event, FillReceived) for event in events)
    assert keeper(("replay", str(told.out / "world" / "project-journal"))).exit_code == 0


def test_demo__the_market__filled_the_keeper_on_both_sides(journal: Path) -> None:
    fills = [step.event for step in JournalReader(journal).steps()]
    made = [fill for fill in fills if isinstance(fill, FillReceived) and fill.liquidity == "MAKER"]
    sides = [fill.side for fill in made]
    assert sides.count(Side.BUY) >= 1
    assert sides.count(Side.SELL) >= 1
    assert all(fill.quantums > 0 for fill in made)


def without_network() -> tuple[str, ...]:
    """Return a command that runs another where no network exists; empty where not permitted."""
    unshare = shutil.which("unshare")
    prefix = (unshare, "-rn") if unshare is not None else ()
    if not prefix:
        return ()
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else ()


def replayed(journal: Path, folder: Path, environment: dict[str, str]) -> tuple[Run, bytes, bytes]:
    """Replay a journal offline; return its summary, its commands' and its ledger's bytes."""
    arguments = ("replay", str(journal), "--write", str(folder))
    run = keeper(arguments, {**PROXIES, **environment}, prefix=without_network())
    assert run.exit_code == 0, f"{run.stdout}\n{run.stderr}"
    return run, (folder / "commands.jsonl").read_bytes(), (folder / "ledger.json").read_bytes()


def test_replay__in_two_strange_processes__gives_the_same_bytes(
    journal: Path, tmp_path: Path
) -> None:
    seeds = random.SystemRandom().sample(range(1, 2**32), 2)
    zones = ("Asia/Kathmandu", "America/St_Johns")
    first, second = (
        replayed(journal, tmp_path / zone[:4], {"PYTHONHASHSEED": str(seed), "TZ": zone})
        for seed, zone in zip(seeds, zones, strict=True)
    )
    assert first[0].data == second[0].data
    assert first[1:] == second[1:]
    assert first[0].data["commands"] == len(first[1].splitlines()) > 0
    assert json.loads(first[2])


def test_replay__of_a_copy_elsewhere__gives_the_same_hashes(journal: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(journal, tmp_path / "elsewhere")
    here, there = keeper(("replay", str(journal))), keeper(("replay", str(copy)))
    assert here.data == there.data


def test_verify__of_the_untouched_journal__counts_what_replay_counts(journal: Path) -> None:
    verified, run = keeper(("journal", "verify", str(journal))), keeper(("replay", str(journal)))
    assert verified.data["last_seq"] == run.data["records"]
    assert sum(verified.data["commands"].values()) == run.data["commands"]
    assert verified.data["account_root"] == run.data["account_root"]


@dataclass(frozen=True, slots=True)
class Flip:
    """One bit of one file, and the first record of the frame it lies in."""

    file: str
    offset: int
    bit: int
    record: int


def frames_of(path: Path) -> Iterator[tuple[int, int, int]]:
    """Yield (first byte, byte after the last, first record) of every frame on disk."""
    reader, record = FrameReader(path.name, path.read_bytes()), 0
    is_sealed = path.suffix == ".sealed"
    numbers = [number for number, _ in unpack_sealed(path)] if is_sealed else []
    while True:
        start = reader.offset
        framed = reader.next()
        if framed is None:
            return
        yield start, reader.offset, record
        record += _records_in(body_of(framed)) if is_sealed else 1
        assert not is_sealed or record <= len(numbers)


def _records_in(packed: bytes) -> int:
    import zstandard

    reader = FrameReader("packed", zstandard.ZstdDecompressor().decompress(packed))
    while reader.next() is not None:
        pass
    return reader.number


def flips(journal: Path) -> list[Flip]:
    """Return sampled bits of every file: its first and last byte, and some between."""
    dice = random.Random(FLIP_SEED)
    found: list[Flip] = []
    for path in sorted([*journal.glob("*.sealed"), *journal.glob("*.wal")]):
        frames = list(frames_of(path))
        size = frames[-1][1]
        offsets = [0, size - 1, *dice.sample(range(1, size - 1), FLIPS_PER_FILE)]
        for offset in offsets:
            record = next(record for start, end, record in frames if start <= offset < end)
            found.append(Flip(path.name, offset, dice.randrange(8), record))
    return found


def flipped(journal: Path, flip: Flip, folder: Path) -> Path:
    """Copy a journal with one bit changed."""
    copy = Path(shutil.copytree(journal, folder))
    path = copy / flip.file
    content = bytearray(path.read_bytes())
    content[flip.offset] ^= 1 << flip.bit
    path.write_bytes(content)
    return copy


def assert_named(run: Run, flip: Flip) -> None:
    """A refusal has its own exit code and names segment and record."""
    assert run.refusal.exit_code == ExitCode.JOURNAL, flip
    assert run.refusal.code == "JOURNAL_CORRUPT", flip
    named = re.search(r"journal segment (\S+), record (\d+): ", run.refusal.message)
    assert named is not None, run.refusal.message
    assert (named[1], int(named[2])) == (flip.file, flip.record), run.refusal.message
    assert "restore" in run.refusal.next_step


def test_verify__one_bit_changed_anywhere__names_the_record(journal: Path, tmp_path: Path) -> None:
    sample = flips(journal)
    assert len(sample) >= 2 * (FLIPS_PER_FILE + 2)
    for number, flip in enumerate(sample):
        copy = flipped(journal, flip, tmp_path / str(number))
        assert_named(keeper_here(("journal", "verify", str(copy))), flip)


@pytest.mark.parametrize("command", [("journal", "verify"), ("replay",)], ids=" ".join)
def test_command__one_bit_changed__tells_a_process_of_its_own_the_same(
    journal: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    flip = flips(journal)[1]
    arguments = (*command, str(flipped(journal, flip, tmp_path / "flipped")))

    assert keeper(arguments).refusal == keeper_here(arguments).refusal


def test_replay__one_bit_changed__names_the_record(journal: Path, tmp_path: Path) -> None:
    for number, flip in enumerate(flips(journal)[:: FLIPS_PER_FILE + 2]):
        copy = flipped(journal, flip, tmp_path / str(number))
        assert_named(keeper_here(("replay", str(copy))), flip)


def test_run__one_bit_changed__refuses_to_trade_and_names_the_record(
    told: Demo, journal: Path, tmp_path: Path
) -> None:
    """A process of its own on the first file, as a person starts it; the others in this one."""
    keys = {
        "KEEPER_HOT_KEY": evm_identities()["keeper"].key,
        "KEEPER_VENUE_KEY": venue_identity(HOT_WALLET).key,
    }
    for number, flip in enumerate(flips(journal)[2 :: FLIPS_PER_FILE + 2]):
        copy = flipped(journal, flip, tmp_path / str(number))
        before = {path.name: path.read_bytes() for path in copy.iterdir()}
        arguments = ("run", "--config", str(told.config), "--set", f"journal.folder={copy}")
        started = keeper if number == 0 else keeper_here
        assert_named(started(arguments, keys), flip)
        assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_replay__by_other_code__names_the_release(journal: Path, tmp_path: Path) -> None:
    """A journal says which code wrote it; other code refuses to judge it."""
    other = tmp_path / "keeper"
    shutil.copytree(ROOT / "keeper", other, ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "clock.py").open("a") as source:
        source.write("\nOTHER = 1\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    run = keeper(("replay", str(journal)), {"PYTHONPATH": path})
    assert run.refusal.exit_code == ExitCode.REPLAY
    assert run.refusal.code == "WRONG_RELEASE"
    assert "install athanor-keeper" in run.refusal.next_step


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A cache folder of these tests' own."""
    return {"KEEPER_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}


def exported(journal: Path, cache: dict[str, str], table: str) -> list[dict[str, Any]]:
    """Return the rows of `keeper export TABLE`."""
    rows: list[dict[str, Any]] = keeper(("export", table, "--journal", str(journal)), cache).data[
        "rows"
    ]
    return rows


def test_export__fills_and_transactions__are_as_many_as_the_journal_holds(
    journal: Path, cache: dict[str, str]
) -> None:
    events = [step.event for step in JournalReader(journal).steps()]
    rows = exported(journal, cache, "fills")
    mined = {e.tx_hash: e for e in events if isinstance(e, TransactionMined)}
    effects = [effect for event in mined.values() for effect in event.effects]
    pool_kinds = ("swap", "mint", "burn", "collect")

    on_book = [row["id"] for row in rows if row["venue"] == "clob"]
    assert sorted(on_book) == sorted({e.fill_id for e in events if isinstance(e, FillReceived)})
    in_pool = [row["kind"] for row in rows if row["venue"] == "pool"]
    assert sorted(in_pool) == sorted(e.kind for e in effects if e.kind in pool_kinds)
    assert {"swap", "mint", "collect"} <= set(in_pool)
    transactions = exported(journal, cache, "transactions")
    assert {row["tx_hash"] for row in transactions if row["state"] != "SIGNED"} == set(mined)
    assert sum(row["gas_wei"] for row in transactions) == sum(
        e.gas_used * e.effective_gas_price for e in mined.values()
    )


def test_pnl__of_the_demonstration__adds_up_and_equals_the_exports(
    journal: Path, cache: dict[str, str]
) -> None:
    """The causes make the change of equity on both venues; exported rows make the causes."""
    data = keeper(("pnl", "--by", "venue", "--journal", str(journal)), cache).data
    fills, rows = exported(journal, cache, "fills"), exported(journal, cache, "pnl")
    book = [row for row in fills if row["venue"] == "clob"]
    totals = data["totals"]

    assert {entry["venue"]: entry["difference"] for entry in data["identity"]} == {
        "clob": 0,
        "pool": 0,
    }
    assert data["pending"] == []
    for cause in ("spread", "inventory", "funding", "feesAndRebates", "total"):
        assert totals[cause] == sum(row[f"{cause}_units"] for row in rows)
    clob = next(row for row in data["rows"] if row["key"] == "clob")
    assert clob["spread"] == sum(row["edge_units"] for row in book)
    assert clob["feesAndRebates"] == -sum(row["fee_units"] for row in book) != 0
    pool = next(row for row in data["rows"] if row["key"] == "pool")
    assert pool["feesAndRebates"] > 0


def test_logs__of_a_transaction__tell_its_whole_life(journal: Path, cache: dict[str, str]) -> None:
    swap = next(row for row in exported(journal, cache, "fills") if row["kind"] == "swap")
    arguments = ("logs", "--journal", str(journal), "--id", swap["tx_hash"])
    kinds = [entry["kind"] for entry in keeper(arguments, cache).data["entries"]]

    assert kinds[:2] == ["TransactionSigned", "CommandResult"]
    assert kinds[2:] == ["TransactionMined", "TransactionMined"]
