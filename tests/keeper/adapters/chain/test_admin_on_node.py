"""`keeper admin` on real contracts: what guardian and owner send, and what the vault does then."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chain_stage import REPORTERS, USDC, Stage

from keeper.chain.codec import checksum
from keeper.cli.exits import ExitCode
from keeper.cli.main import run

Admin = Callable[..., dict[str, Any]]
DAY = 86_400
WEEK = 7 * DAY
NEW = checksum("0x" + "ab" * 20)


@pytest.fixture
def owner(accounts: Any) -> Any:
    """Whoever proposes to the timelock."""
    return accounts[11]


@pytest.fixture
def guardian(accounts: Any) -> Any:
    return accounts[12]


@pytest.fixture
def admin(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Admin:
    """`keeper admin ...` on the stage, as an account if one is given; returns its JSON."""
    where = ("--rpc-url", stage.url, "--vault", str(stage.vault.address), "--json")

    def call(*arguments: str, by: Any = None, code: int = 0) -> dict[str, Any]:
        if by is None:
            monkeypatch.delenv("KEEPER_DEPOSITOR_KEY", raising=False)
        else:
            monkeypatch.setenv("KEEPER_DEPOSITOR_KEY", by.private_key)
        assert run(["admin", *arguments, *where]) == code
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return call


def test_show__nothing_announced__tells_offices_and_limits(
    admin: Admin, stage: Stage, owner: Any, guardian: Any
) -> None:
    data = admin("show", "--from-block", "0")

    assert data["roles"]["owner"] == stage.vault.owner() != owner.address
    assert data["roles"]["guardian"] == guardian.address
    assert data["roles"]["quorum"] == 2
    assert data["limits"]["fee_bps"] == 1_000
    assert data["timelock_delay_seconds"] == WEEK
    assert (data["paused"], data["pending"], data["deposit_gate"]) == (False, [], None)


def test_propose__then_execute__changes_the_keeper_after_the_delay(
    admin: Admin, stage: Stage, owner: Any, accounts: Any
) -> None:
    announced = admin("propose", "set-keeper", NEW, by=owner)
    id_ = announced["terms"]["operation"]
    (waiting,) = admin("show", "--from-block", "0")["pending"]
    early = admin("execute", id_[:12], "--from-block", "0", by=accounts[9], code=ExitCode.REFUSED)
    stage.pass_time(WEEK)
    admin("execute", id_[:12], "--from-block", "0", by=accounts[9])

    assert waiting["id"] == id_
    assert [call["text"] for call in waiting["calls"]] == [f"setKeeper({NEW})"]
    assert not waiting["ready"]
    assert "is not ready" in early["error"]["message"]
    assert stage.vault.keeper() == NEW
    assert admin("show", "--from-block", "0")["pending"] == []


def test_propose__same_change_after_it_was_executed__finds_another_name(
    admin: Admin, stage: Stage, owner: Any
) -> None:
    first = admin("propose", "set-fee-recipient", NEW, by=owner)["terms"]["operation"]
    stage.pass_time(WEEK)
    admin("execute", first, "--from-block", "0", by=owner)

    second = admin("propose", "set-fee-recipient", NEW, by=owner)["terms"]["operation"]
    stage.pass_time(WEEK)
    admin("execute", second, "--from-block", "0", by=owner)

    assert first != second


def test_execute__redemption_of_before_unpaid__says_what_to_do(
    admin: Admin, stage: Stage, owner: Any
) -> None:
    stage.vault.deposit(1_000 * USDC, stage.depositor, stage.depositor, sender=stage.depositor)
    shares = stage.vault.balanceOf(stage.depositor)
    stage.vault.requestRedeem(shares, stage.depositor, stage.depositor, sender=stage.depositor)
    id_ = admin("propose", "set-deposit-gate", NEW, by=owner)["terms"]["operation"]
    stage.pass_time(WEEK)

    (waiting,) = admin("show", "--from-block", "0")["pending"]
    refused = admin("execute", id_, "--from-block", "0", by=owner, code=ExitCode.REFUSED)

    assert (waiting["ready"], waiting["redemptions_unpaid"]) == (True, True)
    assert waiting["redemptions_up_to_epoch"] == stage.vault.openEpoch()
    assert "unpaid" in refused["error"]["message"]


def test_propose__what_would_be_refused_in_a_week__is_refused_now(admin: Admin, owner: Any) -> None:
    reporter = checksum(REPORTERS[0].address)

    refused = admin("propose", "set-keeper", reporter, by=owner, code=ExitCode.REFUSED)

    assert "RoleConflict" in refused["error"]["message"]
    assert "another office" in refused["error"]["next_step"]


def test_propose__by_a_stranger__names_who_may(admin: Admin, accounts: Any) -> None:
    refused = admin("propose", "set-keeper", NEW, by=accounts[9], code=ExitCode.REFUSED)

    assert "AccessControlUnauthorizedAccount" in refused["error"]["message"]
    assert "multisig" in refused["error"]["next_step"]


def test_propose__preview__says_what_would_be_announced(
    admin: Admin, owner: Any, accounts: Any
) -> None:
    who = ("--preview", "--from", owner.address)
    names = [accounts[number].address for number in (17, 18, 19)]

    limits = admin("propose", "set-limits", "--venue-cap-bps", "4000", *who)
    reporters = admin("propose", "set-reporters", *names, "--quorum", "3", *who)

    assert limits["sent"] is reporters["sent"] is False
    assert limits["steps"] == ["announce setLimits"]
    assert reporters["steps"] == ["announce setReporters"]


def test_cancel__by_the_guardian__sends_the_announcement_back(
    admin: Admin, owner: Any, guardian: Any
) -> None:
    id_ = admin("propose", "set-guardian", NEW, by=owner)["terms"]["operation"]

    admin("cancel", id_, "--from-block", "0", by=guardian)

    assert admin("show", "--from-block", "0")["pending"] == []
    missing = admin("cancel", id_, "--from-block", "0", by=guardian, code=ExitCode.CONFIG)
    assert "keeper admin show" in missing["error"]["next_step"]


def test_propose__as_a_safe__writes_the_schedule_call(
    admin: Admin, stage: Stage, owner: Any, tmp_path: Path
) -> None:
    file = tmp_path / "safe.json"

    admin("propose", "set-delay", "10d", "--safe", str(file), "--from", owner.address)

    (transaction,) = json.loads(file.read_text())["transactions"]
    assert transaction["to"] == stage.vault.owner()
    assert transaction["contractMethod"]["name"] == "schedule"


def test_pause__then_unpause__by_the_guardian(admin: Admin, stage: Stage, guardian: Any) -> None:
    admin("pause", "3d", by=guardian)
    paused = admin("show", "--from-block", "0")
    admin("unpause", by=guardian)
    after = admin("show", "--from-block", "0")

    assert (paused["paused"], after["paused"]) == (True, False)
    assert after["next_pause_at"] == after["paused_until"] + 14 * DAY
    again = admin("pause", "1d", by=guardian, code=ExitCode.REFUSED)
    assert "PauseTooSoon" in again["error"]["message"]


def test_tighten__by_the_guardian__takes_effect_and_never_loosens(
    admin: Admin, stage: Stage, guardian: Any
) -> None:
    admin("tighten", "--deposit-cap", "1,000,000", "--min-stake-bps", "500", by=guardian)

    limits = admin("show", "--from-block", "0")["limits"]
    assert (limits["deposit_cap"], limits["min_stake_bps"]) == (10**6 * USDC, 500)
    assert limits["venue_cap_bps"] == 5_000
    refused = admin("tighten", "--min-stake-bps", "499", by=guardian, code=ExitCode.REFUSED)
    assert "propose set-limits" in refused["error"]["next_step"]
    same = admin("tighten", "--min-stake-bps", "500", by=guardian, code=ExitCode.CONFIG)
    assert "already" in same["error"]["message"]


def test_remove_reporter__by_the_guardian__is_gone_at_once(
    admin: Admin, stage: Stage, guardian: Any
) -> None:
    reporter = checksum(REPORTERS[2].address)

    admin("remove-reporter", reporter, by=guardian)

    assert not stage.reporter.isReporter(reporter)
    again = admin("remove-reporter", reporter, by=guardian, code=ExitCode.CONFIG)
    assert "is no reporter" in again["error"]["message"]


def test_object__in_a_cut__sends_it_back(admin: Admin, stage: Stage, guardian: Any) -> None:
    early = admin("object", by=guardian, code=ExitCode.REFUSED)
    stage.cut()

    admin("object", by=guardian)

    assert "NoOpenCut" in early["error"]["message"]
    assert stage.vault.state() == 0


def test_veto__nothing_waits__says_so(admin: Admin, guardian: Any) -> None:
    refused = admin("veto", by=guardian, code=ExitCode.REFUSED)

    assert "SlotEmpty" in refused["error"]["message"]


def test_end__by_the_guardian__ends_the_vault(admin: Admin, stage: Stage, guardian: Any) -> None:
    admin("end", by=guardian)

    assert stage.vault.state() == 2


def test_pause__unsigned__is_laid_out_for_the_guardian(
    admin: Admin, stage: Stage, guardian: Any
) -> None:
    laid = admin("pause", "2d", "--unsigned", "--from", guardian.address)

    (transaction,) = laid["transactions"]
    assert transaction["to"] == stage.vault.mandate()
    assert transaction["data"] == "0x136439dd" + f"{2 * DAY:064x}"
