"""`keeper vault stake` on real contracts: what it sends, and what the stake says then."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chain_stage import KEEPER, USDC, Stage

from keeper.chain.codec import checksum
from keeper.cli.exits import ExitCode
from keeper.cli.main import run

Staking = Callable[..., dict[str, Any]]
DAY = 86_400
WEEK = 7 * DAY
SHARE = 10**18
PAID_IN = 600_000 * USDC


@pytest.fixture
def staking(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Staking:
    """`keeper vault stake ...` by the depositor, who has claimed its shares; returns its JSON."""
    stage.vault.deposit(PAID_IN, stage.depositor, stage.depositor, sender=stage.depositor)
    where = ("--rpc-url", stage.url, "--vault", str(stage.vault.address), "--json")
    monkeypatch.setenv("KEEPER_DEPOSITOR_KEY", stage.depositor.private_key)

    def call(*arguments: str, code: int = 0) -> dict[str, Any]:
        assert run(["vault", "stake", *arguments, *where]) == code
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return call


def of(stage: Stage, project: Any) -> Any:
    """The stake's contract."""
    return project.KeeperStake.at(project.Mandate.at(stage.vault.mandate()).keeperStake())


def test_lock__for_the_keeper__counts_and_bounds_what_show_says(
    staking: Staking, stage: Stage, project: Any
) -> None:
    keeper = checksum(KEEPER.address)

    staking("lock", "30,000", "--for", keeper, "--approve")

    shown = staking("show", "--from-block", "0")
    assert of(stage, project).stakeOf(keeper) == 30_000 * SHARE
    assert (shown["account"], shown["is_keeper"]) == (keeper, True)
    assert shown["counting_shares"] == 30_000 * SHARE
    assert (shown["penalties"], shown["unpaid_cuts"], shown["burnt_shares"]) == ([], [], 0)


def test_lock__preview__sends_nothing_and_names_both_steps(
    staking: Staking, stage: Stage, project: Any
) -> None:
    told = staking("lock", "all", "--preview", "--approve")

    assert told["sent"] is False
    assert [step.split()[0] for step in told["steps"]] == ["approve", "lock"]
    assert of(stage, project).stakeOf(stage.depositor) == 0


def test_request_withdrawal__then_withdraw__a_week_later_and_not_before(
    staking: Staking, stage: Stage, project: Any
) -> None:
    own = stage.depositor.address
    before = stage.vault.balanceOf(own)
    staking("lock", "30,000", "--approve")

    staking("request-withdrawal", "all")
    waiting = staking("show", "--for", own, "--from-block", "0")
    early = staking("withdraw", code=ExitCode.REFUSED)
    stage.pass_time(WEEK)
    staking("withdraw")

    assert (waiting["counting_shares"], waiting["waiting_shares"]) == (0, 30_000 * SHARE)
    assert waiting["leaves_at"] == of(stage, project).waiting(own).leavesAt
    assert str(waiting["leaves_at"]) in early["error"]["message"]
    assert "keeper vault stake show" in early["error"]["next_step"]
    assert stage.vault.balanceOf(own) == before


def test_request_withdrawal__safe__writes_the_call(
    staking: Staking, stage: Stage, project: Any, tmp_path: Path
) -> None:
    staking("lock", "30,000", "--approve")
    file = tmp_path / "safe.json"

    staking("request-withdrawal", "10", "--safe", str(file), "--from", stage.depositor.address)

    (transaction,) = json.loads(file.read_text())["transactions"]
    assert transaction["to"] == of(stage, project).address
    assert transaction["contractMethod"]["name"] == "requestWithdrawal"


def test_penalise__nothing_unpaid__says_so(staking: Staking) -> None:
    refused = staking("penalise", code=ExitCode.REFUSED)

    assert refused["error"]["code"] == "NOTHING_CLAIMABLE"
    assert "no cut is unpaid" in refused["error"]["message"]
