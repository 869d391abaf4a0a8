"""What `keeper vault` and `keeper addresses` tell of real contracts, against the contracts."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chain_stage import USDC, Stage

from keeper.addresses import load_book
from keeper.cli.exits import ExitCode
from keeper.cli.main import run

Keeper = Callable[..., dict[str, Any]]
EARNED = (3_000 * USDC, -1_500 * USDC, 2_000 * USDC)


@pytest.fixture
def keeper(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Keeper:
    """`keeper vault ...` on the stage; returns its JSON, errors too."""
    where = ("--rpc-url", stage.url, "--vault", str(stage.vault.address), "--json")

    def call(*arguments: str, code: int = 0) -> dict[str, Any]:
        assert run(["vault", *arguments, *where]) == code
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return call


@pytest.fixture
def earning(stage: Stage) -> Stage:
    """Three more days: a gain, a loss, a gain."""
    for earned in EARNED:
        stage.settle(earned)
    return stage


def test_vault_show__returns__are_what_the_contracts_own_prices_give(
    earning: Stage, keeper: Keeper
) -> None:
    """The price is asked of the vault at the block of each settlement, not computed."""
    vault, one = earning.vault, 10**30
    settled = [log.block_number for log in vault.Settle.query("*").itertuples()]
    prices = [vault.convertToAssets(one, block_identifier=block) for block in settled]

    returns = keeper("show", "--from-block", "0")["returns"]

    ever = returns["windows"]["since_inception"]
    assert ever["settlements"] == len(settled) == 4
    assert ever["return_ppm"] == (prices[-1] - prices[0]) * 10**6 // prices[0]
    assert returns["windows"]["7_days"] is None
    low, high = prices[2], prices[1]
    assert returns["drawdown"]["drawdown_ppm"] == -(-(high - low) * 10**6 // high)


def test_vault_show__money__is_what_the_contracts_hold(earning: Stage, keeper: Keeper) -> None:
    data = keeper("show", "--from-block", "0")

    vault, reporter = earning.vault, earning.reporter
    legs = {leg["leg"]: leg["value_assets"] for leg in data["legs"]}
    assert legs["idle"] == vault.idle() == earning.usdc.balanceOf(vault)
    assert legs["pool"] == earning.pool_adapter.value().bid
    assert legs["order book"] == reporter.attestedValue() == sum(EARNED)
    assert data["accepted_nav_assets"] == vault.acceptedNav()
    assert data["claimable_shares"] == vault.balanceOf(vault.silo())
    assert data["last_report"]["digest"] == "0x" + bytes(reporter.lastReportHash()).hex()
    assert data["roles"]["reporters"] == list(reporter.reporters())


def test_vault_history__settlements__are_the_contracts_events(
    earning: Stage, keeper: Keeper
) -> None:
    rows = keeper("history", "--from-block", "0")["settlements"]

    assert [row["pnl_assets"]["spread"] for row in rows] == [0, *EARNED]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert rows[-1]["accepted_after_assets"] == earning.vault.acceptedNav()
    scaled = earning.vault.convertToAssets(10**30)
    assert rows[-1]["price_e12"] == scaled // 10**6


def test_vault_preview__estimate__is_what_the_next_settlement_then_does(
    earning: Stage, keeper: Keeper
) -> None:
    """Nothing moves in between, so the estimated shares are the ones minted."""
    person = earning.depositor
    earning.usdc.mint(person, 1_000 * USDC, sender=earning.issuer)
    earning.usdc.approve(earning.vault, 1_000 * USDC, sender=person)
    before = earning.vault.maxMint(person)

    terms = keeper("deposit", "1000", "--preview", "--from", person.address)["terms"]
    earning.vault.requestDeposit(1_000 * USDC, person, person, sender=person)
    earning.settle()

    assert terms["shares_at_estimated_price"] == earning.vault.maxMint(person) - before


def test_vault_deposit__wrong_chain_or_no_vault__is_refused_by_its_code(
    stage: Stage, keeper: Keeper, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = keeper("show", "--chain-id", "5", code=ExitCode.CHAIN)["error"]
    empty = ["vault", "show", "--rpc-url", stage.url, "--vault", "0x" + "12" * 20, "--json"]

    assert wrong["code"] == "CHAIN_UNAVAILABLE"
    assert run(empty) == ExitCode.CHAIN
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "CONTRACT_MISSING"


def test_vault_show__another_contracts_address__says_that_it_is_no_vault(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--rpc-url", stage.url, "--vault", str(stage.usdc.address)]

    assert run(["vault", "show", *where, "--json"]) == ExitCode.CHAIN

    error = json.loads(capsys.readouterr().out)["error"]
    assert "does not answer like a vault" in error["message"]
    assert "keeper addresses list" in error["next_step"]


@pytest.fixture
def book(stage: Stage, tmp_path: Path) -> Path:
    """A copy of the address book that the deployment wrote."""
    return Path(shutil.copy(stage.record, tmp_path / "31337.json"))


def verify(stage: Stage, book: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    arguments = ["addresses", "verify", "--chain", "31337", "--file", str(book)]
    code = run([*arguments, "--rpc-url", stage.url, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_addresses_verify__untouched__agrees(
    stage: Stage, book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = verify(stage, book, capsys)

    assert (code, found["agrees"]) == (ExitCode.OK, True)
    assert {item["transaction"] for item in found["contracts"]} == {"same"}
    assert {item["contract"] for item in found["contracts"]} >= {"RequestSilo", "Legs", "WindDown"}
    assert len(found["contracts"]) == 11
    listed = {item["name"]: item["listed_by_factory"] for item in found["contracts"]}
    assert listed.pop("vault") is True
    assert set(listed.values()) == {None}
    assert "compiled from the sources" in found["does_not_prove"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("code", "code hash"),
        ("gone", "no code"),
        ("abi_hash", "not this keeper's"),
        ("block", "recorded 1"),
    ],
)
def test_addresses_verify__one_thing_changed__is_named(
    stage: Stage, book: Path, capsys: pytest.CaptureFixture[str], what: str, said: str
) -> None:
    address = load_book(book).contracts["vault"].address
    if what in ("code", "gone"):
        code = stage.chain.provider.get_code(address)
        changed = "0x" if what == "gone" else "0x" + bytes(code).hex()[:-2] + "00"
        stage.chain.provider.set_code(address, changed)
    else:
        raw = json.loads(book.read_text())
        raw["contracts"]["vault"][what] = 1 if what == "block" else "0x" + "00" * 32
        book.write_text(json.dumps(raw))

    code, found = verify(stage, book, capsys)

    assert (code, found["agrees"]) == (ExitCode.REFUSED, False)
    (vault,) = [item for item in found["contracts"] if not item["agrees"]]
    (difference,) = vault["differences"]
    assert vault["name"] == "vault"
    assert said in difference


def test_addresses_verify__vault_of_no_factory__is_named(
    stage: Stage, book: Path, capsys: pytest.CaptureFixture[str], project: Any
) -> None:
    """A factory of the same code that made nothing; its hash is the recorded one's own."""
    raw = json.loads(book.read_text())
    codes, uniswap = raw["contracts"]["factory"]["args"]
    other = stage.issuer.deploy(project.VaultFactory, codes, uniswap)
    raw["contracts"]["factory"]["address"] = str(other.address)
    book.write_text(json.dumps(raw))

    code, found = verify(stage, book, capsys)

    (vault,) = [item for item in found["contracts"] if not item["agrees"]]
    assert code == ExitCode.REFUSED
    assert vault["listed_by_factory"] is False
    assert "does not list it" in vault["differences"][0]
