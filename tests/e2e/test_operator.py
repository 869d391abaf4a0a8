"""What an operator runs before and beside a live keeper: shadow, doctor, the example files."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from keeper.cli.exits import ExitCode
from keeper.devnet.identities import evm_identities
from keeper.devnet.tokens import Call
from keeper.domain.commands import PlaceOrder
from keeper.domain.events import CommandResult, RunStarted
from keeper.domain.orders import Side
from keeper.journal import JournalReader, Step
from tests.e2e.console import KEEPER, ROOT, keeper
from tests.e2e.local_world import UNIT, LocalWorld, Service, until
from tests.interrupts import hear_interrupts

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

VENUE_ASSETS = 50_000 * UNIT
NO_REPORTERS = {"reporter.reach"}
"""The world runs no reporter: their row fails in all of these tests."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorld]:
    """One world for all tests of this module, with money on the vault's venue account."""
    running = LocalWorld.start(tmp_path_factory.mktemp("world"))
    try:
        running.fund_venue_account(VENUE_ASSETS)
        yield running
    finally:
        assert running.stop() == 0, running.service.log.read_text()


def doctor(world: LocalWorld, environ: dict[str, str] | None = None, **settings: str) -> Any:
    """The rows of `keeper doctor` by id, and whether its exit code says the same."""
    overrides = [
        word
        for name, value in settings.items()
        for word in ("--set", f"{name.replace('__', '.')}={value}")
    ]
    run = keeper(
        ("doctor", "--config", str(world.config), *overrides), {**world.keys(), **(environ or {})}
    )
    data = json.loads(run.stdout)
    assert run.exit_code == (ExitCode.OK if data["ok"] else ExitCode.UNHEALTHY), run.stderr
    return data["checks"]


def failing(rows: list[dict[str, Any]]) -> set[str]:
    return {row["id"] for row in rows if row["status"] == "fail"}


def row(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [row for row in rows if row["id"] == name]
    return found


def test_doctor__world_as_it_should_be__only_absent_reporters_fail(world: LocalWorld) -> None:
    rows = doctor(world)

    assert failing(rows) == NO_REPORTERS
    assert row(rows, "vault.keeper")["status"] == "ok"
    assert row(rows, "vault.factory")["status"] == "ok"
    assert row(rows, "pool.oracle")["status"] == "ok"
    assert row(rows, "venue.equity")["status"] == "ok"
    assert row(rows, "venue.key")["status"] == "ok"
    assert "nothing else" in row(rows, "venue.key")["found"]


def test_doctor__this_machines_clock_instead_of_the_worlds__both_clocks_fail(
    world: LocalWorld,
) -> None:
    """The world is a day ahead of the machine."""
    rows = doctor(world, clock__source="system")

    assert failing(rows) - NO_REPORTERS == {"clock.evm", "clock.venue"}


def test_doctor__node_unplugged__its_row_fails_and_what_needs_it_is_skipped(
    world: LocalWorld,
) -> None:
    rows = doctor(world, evm__rpc_url="http://127.0.0.1:9")

    assert failing(rows) - NO_REPORTERS == {"endpoint.evm"}
    assert row(rows, "vault.wiring")["status"] == "skip"
    assert row(rows, "clock.venue")["status"] == "ok"


def test_doctor__other_chain_and_contracts__are_named(world: LocalWorld) -> None:
    rows = doctor(
        world,
        evm__chain_id="1",
        vault__reporter=world.contract("vault"),
        venue__authenticator_ids="[7]",
    )

    assert failing(rows) >= {"chain.evm", "vault.wiring", "venue.key"}


def test_doctor__another_persons_key__is_not_the_vaults_keeper(world: LocalWorld) -> None:
    key = {"KEEPER_HOT_KEY": evm_identities()["bruno"].key}

    rows = doctor(world, key)

    assert failing(rows) - NO_REPORTERS == {"vault.keeper"}


def test_doctor__keeper_out_of_gas__fails_and_says_what_to_send(world: LocalWorld) -> None:
    address = world.address("keeper")
    before = world.rpc("eth_getBalance", address, "latest")
    world.rpc("anvil_setBalance", address, "0x1")
    try:
        rows = doctor(world)
    finally:
        world.rpc("anvil_setBalance", address, before)

    assert failing(rows) - NO_REPORTERS == {"gas.keeper"}
    assert address in row(rows, "gas.keeper")["fix"]


def test_doctor__allowance_left_by_an_adapter__fails(world: LocalWorld) -> None:
    adapter, pool = world.contract("pool_adapter"), world.contract("pool")
    world.rpc("anvil_impersonateAccount", adapter)
    world.rpc("anvil_setBalance", adapter, hex(10**18))

    def approve(amount: int) -> None:
        call = Call("approve(address,uint256)", pool, amount)
        body = {"from": adapter, "to": world.contract("usdc"), "data": call.data}
        digest = world.rpc("eth_sendTransaction", body)
        until(lambda: world.rpc("eth_getTransactionReceipt", digest), "a receipt")

    approve(5)
    try:
        rows = doctor(world)
    finally:
        approve(0)
        world.rpc("anvil_stopImpersonatingAccount", adapter)

    assert failing(rows) - NO_REPORTERS == {"adapter.allowances"}
    assert failing(doctor(world)) == NO_REPORTERS


class Shadow:
    """A shadow keeper without a key, on a configuration whose places are the world's."""

    def __init__(self, world: LocalWorld, file: Path, folder: Path, **settings: str) -> None:
        self.journal = folder / "journal-shadow"
        chosen = {
            "journal.folder": str(folder / "journal"),
            **{name.replace("__", "."): value for name, value in settings.items()},
        }
        self.settings = [word for item in chosen.items() for word in ("--set", "=".join(item))]
        self.file = file
        without_keys = dict.fromkeys(world.keys(), "")
        arguments = ("run", "--shadow", "--config", str(file), *self.settings)
        self.service = Service(arguments, folder / "shadow.log", without_keys)

    def status(self, *mode: str) -> dict[str, Any]:
        """What the keeper of that journal says of itself."""
        assert self.service.process.poll() is None, self.service.log.read_text()
        run = keeper(("status", "--config", str(self.file), *self.settings, *mode))
        return dict(json.loads(run.stdout))

    def runs(self) -> dict[str, Any]:
        """Its status once it follows the venue; empty before."""
        status = self.status("--set", "mode=shadow")
        return status if status.get("venue_height", 0) > 0 else {}

    def misses_its_leader(self) -> bool:
        """Whether it withdrew because nobody tells it the leader's book."""
        return any("LEADER" in refusal for refusal in self.runs().get("refusals", ()))

    def steps(self) -> list[Step]:
        return list(JournalReader(self.journal).steps()) if self.journal.is_dir() else []

    def placed(self) -> set[Side]:
        """Sides of the orders it decided to place so far."""
        commands = [command for step in self.steps() for command in step.commands]
        return {command.side for command in commands if isinstance(command, PlaceOrder)}


@contextmanager
def shadow(world: LocalWorld, file: Path, folder: Path, **settings: str) -> Iterator[Shadow]:
    """Run a shadow; afterwards the exchange and the chain are as they were, and it replays."""
    before = world.traces()
    running = Shadow(world, file, folder, **settings)
    try:
        yield running
        assert world.traces() == before
        assert running.service.stop() == 0, running.service.log.read_text()
    finally:
        running.service.stop()
    results = [s.event for s in running.steps() if isinstance(s.event, CommandResult)]
    assert {result.outcome for result in results} <= {"SHADOW", "DROPPED"}
    assert not any(result.tx_hash for result in results)
    assert keeper(("replay", str(running.journal))).data["equal"]


def test_run__shadow__quotes_in_its_log_and_the_exchange_sees_nothing(
    world: LocalWorld, tmp_path: Path
) -> None:
    with shadow(world, world.config, tmp_path) as running:
        until(lambda: running.placed() == {Side.BUY, Side.SELL}, "quotes on both sides in the log")
        status = until(running.runs, "its status")
        assert (status["mode"], status["network"]) == ("shadow", "localdydxprotocol")
        assert status["markets"][0]["bids"] > 0
        assert running.status()["state"] == "STOPPED"
        log = running.service.log.read_text()
        assert "shadow on localdydxprotocol and EVM chain 31337" in log

    start = running.steps()[0].event
    assert isinstance(start, RunStarted)
    assert start.mode == "shadow"
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "config").glob("*.toml")))
def test_examples__in_shadow_on_the_world__decide_and_send_nothing(
    world: LocalWorld, tmp_path: Path, name: str
) -> None:
    """Each example runs as it stands, but for the places, which are the world's."""
    evm, venue = {"evm__rpc_url": world.record["evm_rpc_url"]}, world.record["venue"]
    places = {
        **evm,
        "evm__chain_id": "31337",
        "vault__address": world.contract("vault"),
        "vault__reporter": world.contract("reporter"),
        "venue__chain_id": "localdydxprotocol",
        "venue__grpc_endpoint": venue["grpc"],
        "venue__grpc_fallbacks": "[]",
        "venue__grpc_insecure": "true",
        "venue__rest_url": venue["rest"],
        "venue__ws_url": venue["websocket"],
        "venue__address": world.wallet,
        "venue__adapter": world.contract("clob_adapter"),
        "clock__source": str(world.folder / "clock.json"),
    }
    example = ROOT / "config" / name
    if "[[pools]]" in example.read_text():
        usdc, weth = world.contract("usdc"), world.contract("weth")
        places["pools__0__adapter"] = world.contract("pool_adapter")
        places["pools__0__pool"] = world.contract("pool")
        places["pools__0__asset_is_token0"] = json.dumps(int(usdc, 16) < int(weth, 16))
    leader = "[leader]" in example.read_text()
    if leader:
        places["leader__ws_url"] = "ws://127.0.0.1:9"
        places["leader__rest_url"] = "http://127.0.0.1:9"

    with shadow(world, example, tmp_path, **places) as running:
        if leader:
            until(running.misses_its_leader, "the leader to be missed")
        else:
            until(lambda: running.placed() == {Side.BUY, Side.SELL}, "quotes in the log")


class Trading:
    """A keeper that trades on the world's venue account, with a journal of its own."""

    def __init__(self, world: LocalWorld, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.environ = {**world.keys(), "KEEPER_CACHE_DIR": str(folder / "cache")}
        self.where = ("--config", str(world.config), "--set", f"journal.folder={folder}/journal")
        self.service = Service(("run", *self.where), folder / "keeper.log", self.environ)

    def read(self, *arguments: str) -> dict[str, Any]:
        """What a reading command says."""
        assert self.service.process.poll() is None, self.service.log.read_text()
        return keeper((*arguments, *self.where), self.environ).data

    def sides(self) -> set[str]:
        """Sides of the fills it had, once it had any."""
        if not (self.folder / "journal").is_dir():
            return set()
        return {row["side"] for row in self.read("fills")["fills"]}

    def resting(self) -> set[tuple[int, str]]:
        """Its orders that rest, by id and side, as it says."""
        data = self.read("orders")
        assert data["source"] == "running keeper"
        return {(o["order_id"], o["side"]) for o in data["orders"] if o["state"] == "OPEN"}

    def agrees(self) -> bool:
        """Whether the exchange has just the orders open that the keeper says it has."""
        theirs = {(o["client_id"], o["side"]) for o in self.world.orders()}
        return len(theirs) > 1 and theirs == self.resting()


@contextmanager
def followed_logs(running: Trading) -> Iterator[Callable[[], set[str]]]:
    """Follow the log as a person would, until Ctrl-C; give the kinds of records told so far."""
    lines = running.folder / "followed.jsonl"
    follow = (KEEPER, "logs", "-f", "--json", "--level", "debug", *running.where)
    with lines.open("wb") as out:
        process = subprocess.Popen(
            follow,
            env={**os.environ, **running.environ},
            stdin=subprocess.DEVNULL,
            stdout=out,
            preexec_fn=hear_interrupts,
        )
    try:
        yield lambda: {json.loads(line)["kind"] for line in lines.read_text().split("\n")[:-1]}
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)
    assert code == ExitCode.INTERRUPTED


def fills_told(world: LocalWorld) -> dict[str, tuple[Any, ...]]:
    """The account's fills by id, as the exchange's indexer tells them to anyone."""
    query = {"address": world.wallet, "subaccountNumber": 0, "limit": 1_000}
    answer = world.client.get(f"{world.endpoint('rest')}/v4/fills", params=query)
    answer.raise_for_status()
    return {
        fill["id"]: (
            *(fill["market"], fill["side"], fill["liquidity"], fill["createdAt"]),
            *(Fraction(fill[name]) for name in ("size", "price", "fee")),
        )
        for fill in answer.json()["fills"]
    }


def fills_exported(running: Trading) -> dict[str, tuple[Any, ...]]:
    """The same out of the journal, without what it did in the pool."""
    rows = [row for row in running.read("export", "fills")["rows"] if not row["pool"]]
    return {
        row["id"]: (
            *(row["market"], row["side"], row["liquidity"], row["time"]),
            *(abs(Fraction(row["base"])), Fraction(row["price"]), Fraction(row["fee"])),
        )
        for row in rows
    }


def test_reading__beside_a_trading_keeper__agrees_with_the_exchange(
    world: LocalWorld, tmp_path: Path
) -> None:
    """The last test of this module: it leaves a position behind."""
    running = Trading(world, tmp_path)
    try:
        until(lambda: len(running.sides()) == 2, "fills on both sides", patience_seconds=120)
        with followed_logs(running) as kinds:
            until(running.agrees, "the same orders on both sides")
            pause = keeper(("pause", *running.where), running.environ)
            assert pause.data["in_effect"]
            until(lambda: "OperatorCommand" in kinds(), "the pause in the log")
            assert {"PlaceOrder", "FillReceived"} <= kinds()
        until(lambda: fills_told(world) == fills_exported(running), "the same fills")
        subaccount = world.exchange()["subaccounts"][f"{world.wallet}/0"]
        (market,) = running.read("positions", "--market", "ETH-USD")["markets"]
        held = subaccount["positions"].get("1", {"quantums": 0})
        assert market["position_quantums"] == held["quantums"]
        profit = running.read("pnl")
        differences = {entry["venue"]: entry["difference"] for entry in profit["identity"]}
        assert differences["clob"] == 0
        assert set(differences.values()) == {0}
        assert profit["pending"] == []
    finally:
        code = running.service.stop()
    assert code == 0, running.service.log.read_text()


@pytest.fixture(scope="module")
def live(world: LocalWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A live keeper with quotes on both sides; the settings that find it."""
    folder = tmp_path_factory.mktemp("live")
    settings = {"journal.folder": str(folder / "journal")}
    overrides = [word for item in settings.items() for word in ("--set", "=".join(item))]
    arguments = ("run", "--config", str(world.config), *overrides)
    service = Service(arguments, folder / "keeper.log", world.keys())
    try:
        until(lambda: {o["side"] for o in world.orders()} == {"BUY", "SELL"}, "quotes")
        yield settings
    finally:
        assert service.stop() == 0, service.log.read_text()
    assert keeper(("replay", str(folder / "journal"))).data["equal"]


SPREAD = "market.ETH-USD.strategy.spread_min_ppm"


def prices(ladder: dict[str, Any], side: str) -> list[int]:
    return [quote["subticks"] for quote in ladder["quotes"] if quote["side"] == side]


def test_params_set__wider_spread__previewed_applied_and_told_apart_from_the_file(
    world: LocalWorld, live: dict[str, str]
) -> None:
    dry = world.keeper("params", "set", f"{SPREAD}=6000", "--dry-run", settings=live).data
    assert (dry["applied"], dry["changes"][0]["before"]) == (False, 1_500)
    (market,) = dry["quotes"]
    assert min(prices(market["after"], "SELL")) > min(prices(market["before"], "SELL"))
    assert max(prices(market["after"], "BUY")) < max(prices(market["before"], "BUY"))
    assert world.keeper("status", settings=live).data["params_match_file"]

    unconfirmed = world.keeper("params", "set", f"{SPREAD}=6000", settings=live).refusal
    assert (unconfirmed.code, "--yes" in unconfirmed.next_step) == ("ARGUMENT_INVALID", True)

    done = world.keeper("params", "set", f"{SPREAD}=6000", "--yes", settings=live).data
    assert (done["applied"], done["file_changed"]) == (True, False)
    assert done["file_lines"] == ["[markets.strategy]  # ETH-USD", "spread_min_ppm = 6000"]
    until(lambda: far_from_each_other(world), "quotes at the new distance")

    status = world.keeper("status", settings=live).data
    assert not status["params_match_file"]
    shown = world.keeper("params", "show", settings=live).data
    (row_of_it,) = [row for row in shown["parameters"] if row["path"] == SPREAD]
    assert (row_of_it["value"], row_of_it["origin"], row_of_it["live"]) == (6000, "operator", "now")
    running = row(doctor(world, journal__folder=live["journal.folder"]), "keeper.running")
    assert running["status"] == "warn"
    assert "other parameters than the file's" in running["found"]


def far_from_each_other(world: LocalWorld) -> bool:
    """Whether the best two of our quotes are more than 1 % apart."""
    orders = world.orders()
    bids = [order["subticks"] for order in orders if order["side"] == "BUY"]
    asks = [order["subticks"] for order in orders if order["side"] == "SELL"]
    return bool(bids and asks) and min(asks) > max(bids) * 101 // 100


@pytest.mark.parametrize(
    ("assignment", "code"),
    [
        ("limits.drawdown_ppm=999999", "PARAM_LOOSENS"),
        ("market.ETH-USD.ticker=BTC-USD", "PARAM_NEEDS_RESTART"),
        ("market.ETH-USD.strategy.order_size_pct_ppm=1", "ORDER_BELOW_STEP"),
        ("market.ETH-USD.strategy.spred=1", "CONFIG_UNKNOWN_KEY"),
    ],
)
def test_params_set__not_to_be_taken__names_the_code_and_changes_nothing(
    world: LocalWorld, live: dict[str, str], assignment: str, code: str
) -> None:
    before = world.keeper("params", "show", settings=live).data["params_hash"]

    run = world.keeper("params", "set", assignment, "--yes", settings=live)

    assert run.refusal.code == "PARAMS_REFUSED"
    assert code in {problem["code"] for problem in run.problems}
    assert world.keeper("params", "show", settings=live).data["params_hash"] == before


def test_flatten__dry_run__prints_the_orders_and_sends_nothing(
    world: LocalWorld, live: dict[str, str]
) -> None:
    plan = world.keeper("flatten", "--dry-run", settings=live).data

    assert "CancelOrders" in {command["kind"] for command in plan["commands"]}
    assert world.keeper("status", settings=live).data["state"] == "ACTIVE"
    assert world.orders()


def test_cancel_all__quoting__says_what_is_open_and_quotes_again(
    world: LocalWorld, live: dict[str, str]
) -> None:
    before = {order["client_id"] for order in world.orders()}

    said = world.keeper("cancel-all", settings=live).data

    assert set(said["stays_open"]) == {"positions", "orders", "ranges"}
    until(lambda: before.isdisjoint({o["client_id"] for o in world.orders()}), "the old to go")
    until(lambda: {o["side"] for o in world.orders()} == {"BUY", "SELL"}, "new quotes")
    assert world.keeper("status", settings=live).data["state"] == "ACTIVE"
