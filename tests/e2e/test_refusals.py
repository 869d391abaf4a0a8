"""Bad input on a running world: a clear error, an exit code, the fix, and nothing is lost."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from keeper.cli.exits import ExitCode
from keeper.devnet.identities import venue_identity
from keeper.devnet.tokens import Call
from tests.e2e.console import Refusal, keeper
from tests.e2e.local_world import UNIT, LocalWorld, Service, until
from tests.e2e.lying_indexer import LyingIndexer, Mood

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DEAD_HTTP = "http://127.0.0.1:9"
DEAD_GRPC = "127.0.0.1:9"
DEAD_WS = "ws://127.0.0.1:9"
OTHER_CHAIN = "dydx-mainnet-1"
VENUE_ASSETS = 50_000 * UNIT
ON_CHAIN_COMMANDS = (
    ("run",),
    ("reporter", "serve"),
    ("treasurer", "serve"),
    ("report", "post"),
    ("vault", "deposit", "100"),
)
SERVICES = ON_CHAIN_COMMANDS[:3]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorld]:
    """One world for all tests of this module."""
    running = LocalWorld.start(tmp_path_factory.mktemp("world"))
    try:
        yield running
    finally:
        assert running.stop() == 0, running.service.log.read_text()


@pytest.fixture(scope="module")
def funded(world: LocalWorld) -> LocalWorld:
    """The world with money on the vault's venue account."""
    world.fund_venue_account(VENUE_ASSETS)
    return world


@pytest.fixture
def own_journal(tmp_path: Path) -> dict[str, str]:
    """The setting that gives this test a journal of its own."""
    return {"journal.folder": str(tmp_path / "journal")}


@contextmanager
def nothing_sent(world: LocalWorld) -> Iterator[None]:
    """Check that balances, nonces, queues and orders are afterwards what they were."""
    before = world.traces()
    yield
    assert world.traces() == before


def refused(
    world: LocalWorld, arguments: tuple[str, ...], settings: Mapping[str, str], person: str = "ada"
) -> Refusal:
    """Run a command that must refuse and must not send anything."""
    with nothing_sent(world):
        return world.keeper(*arguments, person=person, settings=settings).refusal


def joined(arguments: tuple[str, ...]) -> str:
    """Name a command in a test's id."""
    return " ".join(arguments)


@pytest.mark.parametrize("arguments", ON_CHAIN_COMMANDS, ids=joined)
def test_configuration__unknown_key__is_named_with_a_suggestion(
    world: LocalWorld, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    text = world.config.read_text()
    file = tmp_path / "misspelt.toml"
    file.write_text(text.replace("daily_loss_quote_quantums", "daily_los_quote_quantums"))
    line = 1 + text[: text.index("\ndaily_loss_quote_quantums")].count("\n") + 1
    with nothing_sent(world):
        run = keeper((*arguments, "--config", str(file)), world.keys())
    assert run.refusal.exit_code == ExitCode.CONFIG
    found = {problem["path"]: problem for problem in run.problems}
    unknown = found["limits.daily_los_quote_quantums"]
    assert unknown["code"] == "CONFIG_UNKNOWN_KEY"
    assert unknown["line"] == line
    assert "daily_loss_quote_quantums" in unknown["fix"]
    assert found["limits.daily_loss_quote_quantums"]["code"] == "CONFIG_MISSING_KEY"


@pytest.mark.parametrize("arguments", ON_CHAIN_COMMANDS, ids=joined)
def test_evm_node__of_another_chain__is_refused(
    world: LocalWorld, own_journal: dict[str, str], arguments: tuple[str, ...]
) -> None:
    refusal = refused(world, arguments, {**own_journal, "evm.chain_id": "1"})
    assert (refusal.exit_code, refusal.code) == (ExitCode.CHAIN, "CHAIN_UNAVAILABLE")
    assert "serves chain 31337, expected 1" in refusal.message
    assert "chain id" in refusal.next_step


@pytest.mark.parametrize("arguments", ON_CHAIN_COMMANDS, ids=joined)
def test_evm_node__unreachable__is_named(
    world: LocalWorld, own_journal: dict[str, str], arguments: tuple[str, ...]
) -> None:
    dead = {"evm.rpc_url": DEAD_HTTP, "reporter.evm_rpc_url": DEAD_HTTP}
    refusal = refused(world, arguments, {**own_journal, **dead})
    assert (refusal.exit_code, refusal.code) == (ExitCode.CHAIN, "CHAIN_UNAVAILABLE")
    assert DEAD_HTTP in refusal.message
    assert "start the node" in refusal.next_step


@pytest.mark.parametrize("arguments", SERVICES, ids=joined)
def test_venue__of_another_chain__is_refused(
    funded: LocalWorld, own_journal: dict[str, str], arguments: tuple[str, ...]
) -> None:
    refusal = refused(funded, arguments, {**own_journal, "venue.chain_id": OTHER_CHAIN})
    assert (refusal.exit_code, refusal.code) == (ExitCode.CONFIG, "CONFIG_ERROR")
    assert f"is on chain localdydxprotocol, not {OTHER_CHAIN}" in refusal.message
    assert "chain_id" in refusal.next_step


@pytest.mark.parametrize("arguments", SERVICES, ids=joined)
def test_venue__its_node_unreachable__is_named(
    funded: LocalWorld, own_journal: dict[str, str], arguments: tuple[str, ...]
) -> None:
    dead = {"venue.grpc_endpoint": DEAD_GRPC, "reporter.venue_grpc_endpoint": DEAD_GRPC}
    refusal = refused(funded, arguments, {**own_journal, **dead})
    assert (refusal.exit_code, refusal.code) == (ExitCode.VENUE, "VENUE_UNAVAILABLE")
    assert DEAD_GRPC in refusal.message
    assert "address" in refusal.next_step


@pytest.mark.parametrize(
    ("setting", "dead"), [("venue.rest_url", DEAD_HTTP), ("venue.ws_url", DEAD_WS)]
)
def test_venue__its_indexer_unreachable__is_named(
    funded: LocalWorld, own_journal: dict[str, str], setting: str, dead: str
) -> None:
    refusal = refused(funded, ("run",), {**own_journal, setting: dead})
    assert (refusal.exit_code, refusal.code) == (ExitCode.VENUE, "VENUE_UNAVAILABLE")
    assert dead in refusal.message
    assert "indexer" in refusal.next_step


def test_venue__market_it_does_not_list__is_named(
    funded: LocalWorld, own_journal: dict[str, str]
) -> None:
    unknown = {"markets.0.ticker": "DOGE-USD", "pools.0.hedge_market": "DOGE-USD"}
    refusal = refused(funded, ("run",), {**own_journal, **unknown})
    assert (refusal.exit_code, refusal.code) == (ExitCode.CONFIG, "CONFIG_ERROR")
    assert "DOGE-USD" in refusal.message
    assert refusal.next_step != ""


def test_venue__account_that_does_not_exist__says_to_fund_it(
    world: LocalWorld, own_journal: dict[str, str]
) -> None:
    nobody = venue_identity("nobody")
    refusal = refused(world, ("run",), {**own_journal, "venue.address": nobody.address})
    assert (refusal.exit_code, refusal.code) == (ExitCode.CONFIG, "CONFIG_ERROR")
    assert nobody.address in refusal.message
    assert "fund it" in refusal.next_step


def test_venue__key_of_somebody_else__is_refused(
    funded: LocalWorld, own_journal: dict[str, str]
) -> None:
    keys = {**funded.keys(), "KEEPER_VENUE_KEY": venue_identity("nobody").key}
    overrides = [word for item in own_journal.items() for word in ("--set", "=".join(item))]
    with nothing_sent(funded):
        run = keeper(("run", "--config", str(funded.config), *overrides), keys)
    assert (run.refusal.exit_code, run.refusal.code) == (ExitCode.CONFIG, "CONFIG_ERROR")
    assert keys["KEEPER_VENUE_KEY"][2:] not in run.stdout + run.stderr


@pytest.mark.parametrize("service", ["run", "reporter serve", "treasurer serve"])
def test_key__not_in_the_environment__is_named(world: LocalWorld, service: str) -> None:
    arguments = (*service.split(), "--config", str(world.config))
    absent = dict.fromkeys(world.keys(), "")
    with nothing_sent(world):
        refusal = keeper(arguments, absent).refusal
    assert (refusal.exit_code, refusal.code) == (ExitCode.KEY, "KEY_UNAVAILABLE")
    assert "KEEPER_" in refusal.message + refusal.next_step


def test_deposit__more_than_the_balance__names_both_amounts(world: LocalWorld) -> None:
    world.mint("ada", 250 * UNIT)
    refusal = refused(world, ("vault", "deposit", "1,000,000.5", "--approve"), {})
    assert (refusal.exit_code, refusal.code) == (ExitCode.FUNDS, "FUNDS_MISSING")
    assert "1,000,000.50 USDC" in refusal.message
    assert "deposit at most what it has" in refusal.next_step


def test_deposit__without_allowance__says_how_to_approve(world: LocalWorld) -> None:
    world.mint("ada", 250 * UNIT)
    refusal = refused(world, ("vault", "deposit", "250"), {})
    assert (refusal.exit_code, refusal.code) == (ExitCode.FUNDS, "FUNDS_MISSING")
    assert "may take 0.00 USDC" in refusal.message
    assert "--approve" in refusal.next_step


def test_redemption__without_shares__is_refused(world: LocalWorld) -> None:
    refusal = refused(world, ("vault", "redeem", "all"), {})
    assert (refusal.exit_code, refusal.code) == (ExitCode.FUNDS, "FUNDS_MISSING")
    assert "keeper vault claim" in refusal.next_step


def test_deposit__without_ether_for_gas__is_refused(world: LocalWorld) -> None:
    stranger = Account.create()
    mint = Call("mint(address,uint256)", stranger.address, 100 * UNIT)
    world.transact("owner", "usdc", mint)
    arguments = ("vault", "deposit", "100", "--approve", "--config", str(world.config))
    with nothing_sent(world):
        refusal = keeper(arguments, {"KEEPER_DEPOSITOR_KEY": stranger.key.hex()}).refusal
    assert (refusal.exit_code, refusal.code) == (ExitCode.FUNDS, "FUNDS_MISSING")
    assert f"{stranger.address} has no ether" in refusal.message
    assert "send it some ether" in refusal.next_step


@pytest.mark.parametrize("amount", ["1.1234567", "0", "ten", "1e6", "0.0000001"])
def test_deposit__amount_that_makes_no_sense__is_never_rounded(
    world: LocalWorld, amount: str
) -> None:
    refusal = refused(world, ("vault", "deposit", amount, "--approve"), {})
    assert (refusal.exit_code, refusal.code) == (ExitCode.CONFIG, "ARGUMENT_INVALID")
    assert refusal.next_step != ""


def test_deposit__preview_and_safe_file__send_nothing(world: LocalWorld, tmp_path: Path) -> None:
    world.mint("ada", 100 * UNIT)
    file = tmp_path / "safe.json"
    with nothing_sent(world):
        terms = world.vault("ada", "deposit", "100", "--preview").data["terms"]
        offline = ("--safe", str(file), "--from", world.address("ada"))
        written = world.vault("ada", "deposit", "100", *offline).data
    assert terms["worst_exit_at"] > terms["block_time"]
    assert terms["room_under_cap_assets"] > 0
    assert json.loads(file.read_text())["meta"]["checksum"] == written["checksum"]


def test_claim__nothing_settled__is_refused(world: LocalWorld) -> None:
    refusal = refused(world, ("vault", "claim"), {})
    assert (refusal.exit_code, refusal.code) == (ExitCode.REFUSED, "NOTHING_CLAIMABLE")
    assert "keeper vault requests" in refusal.next_step


def test_cancel__nothing_waits__names_the_contracts_error(world: LocalWorld) -> None:
    refusal = refused(world, ("vault", "cancel", "deposit"), {})
    assert (refusal.exit_code, refusal.code) == (ExitCode.REFUSED, "TRANSACTION_REFUSED")
    assert "NothingToCancel" in refusal.message
    assert "keeper vault requests" in refusal.next_step


def test_deposit__below_the_minimum__names_it(world: LocalWorld) -> None:
    refusal = refused(world, ("vault", "deposit", "0.5"), {})
    assert (refusal.exit_code, refusal.code) == (ExitCode.CONFIG, "ARGUMENT_INVALID")
    assert refusal.message == "the smallest deposit is 1.00 USDC"


def test_vault__address_without_code__is_refused(world: LocalWorld) -> None:
    refusal = refused(world, ("vault", "show"), {"vault.address": "0x" + "12" * 20})
    assert (refusal.exit_code, refusal.code) == (ExitCode.CHAIN, "CONTRACT_MISSING")
    assert "keeper addresses list" in refusal.next_step


def test_addresses__of_the_world__agree_with_its_node(world: LocalWorld) -> None:
    book = ("--chain", "31337", "--file", str(world.folder / "31337.json"))
    found = keeper(("addresses", "verify", *book, "--rpc-url", world.record["evm_rpc_url"])).data
    assert found["agrees"]
    assert {item["name"] for item in found["contracts"]} >= {"vault", "silo", "reporter"}


def test_deposit__too_many_decimals__says_how_many_there_are(world: LocalWorld) -> None:
    refusal = refused(world, ("vault", "deposit", "1.1234567"), {})
    assert refusal.message == "1.1234567 has 7 decimals, USDC has 6"
    assert "never rounded" in refusal.next_step


@pytest.mark.parametrize("approved", [True, False])
def test_deposit__by_a_blacklisted_account__names_the_tokens_own_error(
    world: LocalWorld, approved: bool
) -> None:
    """Not even the approval is sent, which the token itself would take."""
    person, vault = world.address("carla"), world.contract("vault")
    world.mint("carla", 100 * UNIT)
    allowance = 100 * UNIT if approved else 0
    world.transact("carla", "usdc", Call("approve(address,uint256)", vault, allowance))
    world.transact("owner", "usdc", Call("setBlacklisted(address,bool)", person, True))
    try:
        refusal = refused(world, ("vault", "deposit", "100", "--approve"), {}, "carla")
    finally:
        world.transact("owner", "usdc", Call("setBlacklisted(address,bool)", person, False))
    assert (refusal.exit_code, refusal.code) == (ExitCode.REFUSED, "TRANSACTION_REFUSED")
    assert "Blacklisted" in refusal.message
    assert refusal.next_step != ""


def test_report__without_a_cut__is_refused(world: LocalWorld) -> None:
    refusal = refused(world, ("report", "post"), {})
    assert (refusal.exit_code, refusal.code) == (ExitCode.REFUSED, "NO_OPEN_CUT")
    assert "keeper vault cut" in refusal.next_step


def test_cut__before_it_is_due__is_refused(world: LocalWorld) -> None:
    """The epoch that follows the settlement of the keeper's stake lasts its whole day."""
    refusal = refused(world, ("vault", "cut"), {}, "bruno")
    assert (refusal.exit_code, refusal.code) == (ExitCode.REFUSED, "TRANSACTION_REFUSED")
    assert "TooEarly" in refusal.message
    assert "keeper vault show" in refusal.next_step


class RunningKeeper:
    """A keeper that quotes on the world's book, through an indexer that may lie."""

    def __init__(self, world: LocalWorld, indexer: LyingIndexer, folder: Path) -> None:
        self.world = world
        self.indexer = indexer
        self.settings = {
            "journal.folder": str(folder / "journal"),
            "venue.ws_url": indexer.url,
            "markets.0.book_max_age_ms": "6000",
        }
        overrides = [word for item in self.settings.items() for word in ("--set", "=".join(item))]
        arguments = ("run", "--config", str(world.config), *overrides)
        self.service = Service(arguments, folder / "keeper.log", world.keys())

    @property
    def journal(self) -> Path:
        return Path(self.settings["journal.folder"])

    def status(self) -> dict[str, Any]:
        """What it says of itself; empty while nobody answers."""
        assert self.service.process.poll() is None, self.service.log.read_text()
        run = self.world.keeper("status", settings=self.settings)
        return dict(json.loads(run.stdout)) if run.exit_code == 0 else {}

    def refuses(self, code: str) -> bool:
        """Whether it has withdrawn for this reason."""
        return any(code in refusal for refusal in self.status().get("refusals", ()))

    def quotes_both_sides(self) -> bool:
        """Whether the exchange shows its orders on both sides."""
        return {order["side"] for order in self.world.orders()} == {"BUY", "SELL"}


@pytest.fixture(scope="module")
def quoting(
    funded: LocalWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningKeeper]:
    """A keeper with quotes on both sides of the book."""
    with LyingIndexer(funded.endpoint("websocket")) as indexer:
        running = RunningKeeper(funded, indexer, tmp_path_factory.mktemp("keeper"))
        try:
            until(running.quotes_both_sides, "quotes on both sides")
            yield running
        finally:
            running.service.stop()


def test_book__crossed__withdraws_every_quote_until_it_is_right_again(
    quoting: RunningKeeper,
) -> None:
    quoting.indexer.mood = Mood.CROSSED
    until(lambda: quoting.refuses("BOOK_CROSSED"), "the crossed book to be refused")
    until(lambda: not quoting.world.orders(), "every quote to be withdrawn")
    assert quoting.status()["state"] == "ACTIVE"
    quoting.indexer.mood = Mood.HONEST
    until(quoting.quotes_both_sides, "quotes on the honest book")
    assert not quoting.refuses("BOOK_CROSSED")


def test_book__stale__withdraws_every_quote(quoting: RunningKeeper) -> None:
    quoting.indexer.mood = Mood.SILENT
    until(lambda: quoting.refuses("STALE_BOOK"), "the stale book to be refused")
    until(lambda: not quoting.world.orders(), "every quote to be withdrawn")
    status = quoting.status()
    assert status["markets"][0]["book_age_ms"] > 6_000
    assert status["sources_down"] == []


def test_run__on_a_journal_in_use__is_refused(quoting: RunningKeeper) -> None:
    run = quoting.world.keeper("run", settings=quoting.settings)
    assert run.refusal.exit_code != ExitCode.INTERNAL
    assert "journal" in run.refusal.message
    assert quoting.status()["state"] == "ACTIVE"


def test_run__after_a_crash_and_one_changed_bit__names_the_record_and_sends_nothing(
    quoting: RunningKeeper,
) -> None:
    """The last test of the module: the keeper dies in it."""
    assert quoting.service.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not quoting.world.orders(), "what it left to expire")
    (segment,) = quoting.journal.glob("open-*.wal")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 4
    segment.write_bytes(content)
    refusal = refused(quoting.world, ("run",), quoting.settings)
    assert (refusal.exit_code, refusal.code) == (ExitCode.JOURNAL, "JOURNAL_CORRUPT")
    assert f"journal segment {segment.name}, record " in refusal.message
    assert "does not trade" in refusal.next_step
    assert segment.read_bytes() == content
