"""`keeper bond` against the contracts: what it shows is what they say, what it sends they take."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keeper.cli.main import run
from tests.contracts.bonds.houses import DAY, HOUR, PRICE, TOKEN, USDC, Bonds, oracle_terms

Shell = Callable[..., dict[str, Any]]


@pytest.fixture
def keeper(
    bonds: Bonds, chain: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """Runs a command with --json and gives the object back; `by` signs it."""

    def call(*words: object, by: Any = None, fails: bool = False) -> dict[str, Any]:
        if by is not None:
            monkeypatch.setenv("KEEPER_DEPOSITOR_KEY", by.private_key)
        place = ["--rpc-url", chain.provider.uri, "--lens", bonds.lens.address, "--json"]
        code = run(["bond", *(str(word) for word in words), *place])
        shown = capsys.readouterr()
        assert bool(code) == fails, shown.err
        data: dict[str, Any] = json.loads(shown.out)
        return data

    return call


@pytest.fixture
def written(bonds: Bonds, tmp_path: Path) -> Callable[..., Path]:
    """Writes the specification's example down, for a new project or for `treasury`."""

    def write(treasury: str = "", **market: str) -> Path:
        project = f'treasury = "{treasury}"' if treasury else _new_project(bonds)
        fields = {"auction": '"dutch"', "capacity": '"100000"', "duration": '"7d"'}
        fields |= {"cliff": '"7d"', "vesting": '"30d"', "accepts_shares": "true"} | market
        lines = "\n".join(f"{name} = {value}" for name, value in fields.items())
        dutch = 'price = "5"\nfloor = "2"\ndeposit_interval = "4h"\ndebt_buffer_bps = 5000'
        file = tmp_path / "bond.toml"
        file.write_text(f"[project]\n{project}\n[market]\n{lines}\n[dutch]\n{dutch}\n")
        return file

    return write


def _new_project(bonds: Bonds) -> str:
    return (
        f'token = "{bonds.token.address}"\nvault = "{bonds.vault.address}"\n'
        f'lock_until = "{datetime.fromtimestamp(bonds.now + 400 * DAY, UTC).date()}"'
    )


def test_list__one_market__has_the_lens_figures(bonds: Bonds, market: int, keeper: Shell) -> None:
    (found,) = [m for m in keeper("list")["markets"] if m["market"] == market]

    seen = bonds.lens.market(market)
    assert (found["price_e36"], found["reference_e36"]) == (seen.price, 2 * PRICE)
    assert (found["discount_bps"], found["capacity_left"]) == (seen.discountBps, seen.capacity)
    assert (found["available"], found["available_cost"]) == (seen.available, seen.availableCost)
    assert found["conclusion"] - found["created_at"] == 7 * DAY


def test_show__dutch_market__draws_the_path_that_the_contract_would_price(
    bonds: Bonds, market: int, alice: Any, keeper: Shell
) -> None:
    bonds.buy(market, 500 * USDC, alice)

    shown = keeper("show", market)

    path = shown["dutch"]["path"]
    assert len(path) == 57
    for time, price in path[::14]:
        assert price == bonds.dutch.priceAt(market, time)
    assert shown["dutch"]["debt"] == bonds.dutch.debt(market)
    assert shown["dutch"]["max_debt"] == bonds.dutch.maxDebt(market)
    assert shown["dutch"]["sold"] == 100_000 * TOKEN - bonds.dutch.lot(market).capacity
    assert shown["owned"]["waiting_assets"] == bonds.usdc.balanceOf(shown["owned"]["project"])


def test_create__new_project__escrows_what_the_preview_said(
    bonds: Bonds, keeper: Shell, written: Any
) -> None:
    file = written()
    preview = keeper("create", file, "--preview", "--from", bonds.team.address)
    escrowed = bonds.teller.escrowed(bonds.token)

    sent = keeper("create", file, "--yes", by=bonds.team)

    number = bonds.teller.marketCount()
    auction = bonds.dutch.auction(number)
    assert preview["obstacles"] == []
    assert sent["terms"]["dutch"]["target"] == preview["terms"]["dutch"]["target"]
    assert preview["terms"]["dutch"]["target"] == auction.target
    assert preview["terms"]["dutch"]["max_payout"] == auction.maxPayout
    assert preview["terms"]["dutch"]["max_debt"] == auction.maxDebtTo
    assert bonds.teller.escrowed(bonds.token) - escrowed == 100_000 * TOKEN
    made = bonds.teller.market(number)
    assert (made.cliff, made.vesting, made.acceptsShares) == (7 * DAY, 30 * DAY, True)


def test_create__nobody_to_ask__sends_nothing(
    bonds: Bonds, treasury: Any, keeper: Shell, written: Any
) -> None:
    before = bonds.teller.marketCount()

    answer = keeper("create", written(treasury.address), by=bonds.team, fails=True)

    assert answer["error"]["code"] == "ARGUMENT_INVALID"
    assert bonds.teller.marketCount() == before


def test_create__by_a_stranger__is_refused_before_anything_is_signed(
    bonds: Bonds, treasury: Any, keeper: Shell, written: Any
) -> None:
    answer = keeper("create", written(treasury.address), "--yes", by=bonds.stranger, fails=True)

    assert answer["error"]["code"] == "TRANSACTION_REFUSED"
    assert bonds.team.address in answer["error"]["message"]


def test_create__preview_of_what_the_contract_refuses__says_so(
    bonds: Bonds, treasury: Any, keeper: Shell, written: Any
) -> None:
    file = written(treasury.address, vesting='"5w"', duration='"9h"')

    preview = keeper("create", file, "--preview", "--from", bonds.team.address)

    assert "OutOfRange(duration, 32400" in preview["obstacles"][0]["message"]


def test_create__unsigned_for_an_oracle_market__is_taken_as_it_is_laid_out(
    bonds: Bonds, treasury: Any, keeper: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "oracle.toml"
    file.write_text(
        f'[project]\ntreasury = "{treasury.address}"\n[market]\nauction = "oracle"\n'
        'capacity = "1000"\nduration = "7d"\ncliff = "0d"\nvesting = "30d"\n'
        'accepts_shares = false\n[oracle]\nsource = "feed"\nwindow = "2d"\n'
        'discount_bps = 1000\nmax_discount_bps = 3000\nmin_floor = "1.4"\n'
    )
    bonds.feed.push(2 * 10**8, sender=bonds.deployer)

    answer = keeper("create", file, "--unsigned", "--from", bonds.team.address)

    for transaction in answer["transactions"]:
        bonds.team.transfer(transaction["to"], value=0, data=transaction["data"])
    number = bonds.teller.marketCount()
    assert answer["terms"]["first_price_e36"] == bonds.oracle.price(number) == 18 * PRICE // 10
    assert answer["terms"]["floor_e36"] == bonds.oracle.lot(number).floor
    assert answer["terms"]["deadline"] > bonds.now + 6 * DAY


def test_buy__after_a_quote__issues_the_note_that_was_quoted(
    bonds: Bonds, market: int, alice: Any, keeper: Shell
) -> None:
    bonds.usdc.approve(bonds.teller, 0, sender=alice)
    quoted = keeper("quote", market, "500")
    before = bonds.usdc.balanceOf(alice)

    sent = keeper("buy", market, "500", "--approve", "--yes", by=alice)

    position = bonds.note.position(bonds.note.noteCount())
    assert [receipt["what"].split()[0] for receipt in sent["receipts"]] == ["approve", "buy"]
    assert quoted["payout"] <= position.payout <= quoted["payout"] * 1_001 // 1_000
    assert before - bonds.usdc.balanceOf(alice) <= 500 * USDC
    assert position.expiry == sent["terms"]["expiry"]


def test_buy__more_than_is_available__pays_for_that_alone(
    bonds: Bonds, market: int, alice: Any, keeper: Shell
) -> None:
    quoted = keeper("quote", market, "1,000,000")

    assert quoted["limited"]
    assert quoted["payout"] == bonds.lens.market(market).available
    assert quoted["pays"] == bonds.lens.market(market).availableCost


def test_buy__with_shares_outside_the_window__says_when_they_are_taken(
    bonds: Bonds, market: int, keeper: Shell
) -> None:
    bonds.wait(2 * HOUR)

    answer = keeper("quote", market, "1", "--shares", fails=True)

    assert "ShareWindowClosed" in answer["error"]["message"]
    assert "an hour after a settlement" in answer["error"]["next_step"]


def test_claim__all_after_the_cliff__pays_what_is_vested(
    bonds: Bonds, market: int, alice: Any, keeper: Shell
) -> None:
    bonds.buy(market, 500 * USDC, alice)
    number = bonds.note.noteCount()
    early = keeper("claim", "--all", "--yes", by=alice, fails=True)
    bonds.wait(8 * DAY)
    (note,) = keeper("notes", alice.address)["notes"]

    keeper("claim", "--all", "--yes", by=alice)

    paid, start, expiry = bonds.token.balanceOf(alice), note["start"], note["expiry"]
    assert early["error"]["code"] == "NOTHING_CLAIMABLE"
    assert (note["note_id"], note["market_id"]) == (number, market)
    assert note["redeemable"] <= paid
    assert paid == note["payout"] * (bonds.now - start) // (expiry - start)


def test_close__live_market__announces_then_ends_then_has_nothing_left(
    bonds: Bonds, market: int, keeper: Shell
) -> None:
    announced = keeper("close", market, "--yes", by=bonds.team)
    early = keeper("close", market, "--yes", by=bonds.team, fails=True)
    bonds.wait(3 * DAY)
    before = bonds.token.balanceOf(bonds.team)

    ended = keeper("close", market, "--yes", by=bonds.team)

    left = announced["terms"]["returned_later"]
    assert left == 100_000 * TOKEN
    assert "the end was announced" in early["error"]["message"]
    assert ended["terms"]["returned_now"] == left
    assert bonds.token.balanceOf(bonds.team) - before == left
    assert bonds.dutch.available(market) == 0


def test_close__undone__leaves_the_market_as_it_was(
    bonds: Bonds, market: int, keeper: Shell
) -> None:
    keeper("close", market, "--yes", by=bonds.team)

    keeper("close", market, "--undo", "--yes", by=bonds.team)

    assert keeper("show", market)["announced"] is None


def test_close__after_the_sale__fetches_the_unsold_at_once(
    bonds: Bonds, market: int, keeper: Shell
) -> None:
    bonds.wait(8 * DAY)

    ended = keeper("close", market, "--yes", by=bonds.team)

    assert [receipt["what"] for receipt in ended["receipts"]] == [
        "fetch what is no longer for sale"
    ]
    assert ended["terms"]["returned_now"] == 100_000 * TOKEN


def test_poke__proceeds_wait__are_handed_to_the_vaults_queue(
    bonds: Bonds, market: int, treasury: Any, alice: Any, keeper: Shell
) -> None:
    bonds.buy(market, 500 * USDC, alice)
    waiting = bonds.usdc.balanceOf(treasury)

    poked = keeper("poke", market, "--yes", by=bonds.stranger)

    owned = keeper("show", market)["owned"]
    assert poked["terms"]["waiting_assets"] == waiting
    assert (owned["waiting_assets"], owned["queued_assets"]) == (0, waiting)


def test_compare__market__takes_its_price_and_what_is_left(
    bonds: Bonds, treasury: Any, keeper: Shell
) -> None:
    bonds.feed.push(2 * 10**8, sender=bonds.deployer)
    number = bonds.create_market(
        treasury, auctioneer=bonds.oracle.address, terms=oracle_terms(max_age=HOUR)
    )

    data = keeper("compare", "--market", number, "--retainer", "5000")

    assert data["bond"]["discount_bps"] == 1_000
    assert data["bond"]["cost"] == 20_000 * USDC
    assert data["bond"]["liquidity_that_stays"] == 180_000 * USDC
    assert data["loan"]["cost"] // USDC == 52_748
    assert data["retainer"]["cost"] == 60_000 * USDC


def test_show__unknown_market__is_told(keeper: Shell) -> None:
    assert keeper("show", 99, fails=True)["error"]["code"] == "BOND_UNKNOWN"
