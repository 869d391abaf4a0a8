"""Every limit on what is done for depositors, at its boundary."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Claim, CloseEpoch, CollectReport, SubmitReport
from keeper.domain.events import Claimable, DutiesObserved, VaultObserved
from keeper.domain.protocol import REPORT_WINDOW_SECONDS
from keeper.risk.house import (
    CutView,
    approve_claim,
    approve_cut,
    approve_question,
    approve_report,
)
from keeper.risk.phase import Phase
from tests.keeper.builders import START_NS, USDC, signed_report, vault

NOW = START_NS // 1_000_000_000
CUT = CloseEpoch(epoch=2)
ALIVE = [Phase.ACTIVE, Phase.REDUCING, Phase.EXITING]


def cut_view(**changes: Any) -> CutView:
    fields: dict[str, Any] = {
        "phase": Phase.ACTIVE,
        "reporters": 3,
        "now": NOW,
        "next_cut_at": NOW,
    }
    return CutView(**{**fields, **changes})


@pytest.mark.parametrize("phase", ALIVE)
def test_approve_cut__due__passes_whatever_is_quoted(phase: Phase) -> None:
    assert approve_cut(CUT, cut_view(phase=phase)) == Approved(CUT)


@pytest.mark.parametrize(
    ("changes", "code", "limit", "value"),
    [
        ({"phase": Phase.HALTED}, "HALTED", 0, 1),
        ({"reporters": 0}, "NO_REPORTERS", 1, 0),
        ({"next_cut_at": NOW + 1}, "CUT_EARLY", NOW + 1, NOW),
    ],
)
def test_approve_cut__not_to_be_taken__refused_with_both_numbers(
    changes: dict[str, Any], code: str, limit: int, value: int
) -> None:
    assert approve_cut(CUT, cut_view(**changes)) == Refused(
        code=code, subject="vault", limit=limit, value=value
    )


def test_approve_question__halted__refused() -> None:
    question = CollectReport(epoch=3)

    assert approve_question(question, Phase.EXITING) == Approved(question)
    assert isinstance(approve_question(question, Phase.HALTED), Refused)


REPORT = SubmitReport(report=signed_report(epoch=4), signatures=("0x01", "0x02"))
OPEN_CUT = vault(1, state="CUT", epoch=4, cut_at=NOW - 60, block_timestamp=NOW)


@pytest.mark.parametrize("phase", ALIVE)
def test_approve_report__of_the_open_cut__passes(phase: Phase) -> None:
    assert approve_report(REPORT, OPEN_CUT, 2, phase) == Approved(REPORT)


def test_approve_report__last_second_of_its_window__passes() -> None:
    last = replace(OPEN_CUT, block_timestamp=OPEN_CUT.cut_at + REPORT_WINDOW_SECONDS)

    assert approve_report(REPORT, last, 2, Phase.ACTIVE) == Approved(REPORT)


TOO_LATE = replace(OPEN_CUT, block_timestamp=OPEN_CUT.cut_at + REPORT_WINDOW_SECONDS + 1)


@pytest.mark.parametrize(
    ("seen", "quorum", "phase", "code"),
    [
        (OPEN_CUT, 2, Phase.HALTED, "HALTED"),
        (replace(OPEN_CUT, state="OPEN"), 2, Phase.ACTIVE, "OTHER_CUT"),
        (replace(OPEN_CUT, epoch=5), 2, Phase.ACTIVE, "OTHER_CUT"),
        (TOO_LATE, 2, Phase.ACTIVE, "REPORT_WINDOW"),
        (OPEN_CUT, 3, Phase.ACTIVE, "QUORUM"),
    ],
)
def test_approve_report__not_to_be_sent__refused(
    seen: VaultObserved, quorum: int, phase: Phase, code: str
) -> None:
    verdict = approve_report(REPORT, seen, quorum, phase)

    assert isinstance(verdict, Refused)
    assert verdict.code == code


@pytest.mark.parametrize("signatures", [(), ("0x01", "0x01")])
def test_approve_report__unsigned_or_one_signature_twice__is_no_quorum(
    signatures: tuple[str, ...],
) -> None:
    twice = replace(REPORT, signatures=signatures)
    quorum = 2 if signatures else 0

    verdict = approve_report(twice, OPEN_CUT, quorum, Phase.ACTIVE)

    assert isinstance(verdict, Refused)
    assert (verdict.code, verdict.value) == ("QUORUM", len(set(signatures)))


SEEN = DutiesObserved(
    block_number=1,
    block_hash="0xd1",
    block_timestamp=NOW,
    unpaid_since=0,
    claims=(
        Claimable(
            controller="ada", deposit_assets=200 * USDC, redeem_shares=10**18, redeem_assets=USDC
        ),
    ),
)


def claim(**changes: Any) -> Claim:
    return replace(Claim(side="deposit", controller="ada", amount=200 * USDC), **changes)


@pytest.mark.parametrize("phase", ALIVE)
def test_approve_claim__all_that_was_settled__passes(phase: Phase) -> None:
    assert approve_claim(claim(), SEEN, 200 * USDC, phase) == Approved(claim())


@pytest.mark.parametrize(
    ("command", "floor", "phase", "code", "limit", "value"),
    [
        (claim(), 1, Phase.HALTED, "HALTED", 0, 1),
        (claim(controller="eve"), 1, Phase.ACTIVE, "CLAIM", 0, 200 * USDC),
        (claim(amount=200 * USDC + 1), 1, Phase.ACTIVE, "CLAIM", 200 * USDC, 200 * USDC + 1),
        (claim(amount=0), 1, Phase.ACTIVE, "CLAIM", 200 * USDC, 0),
        (claim(), 200 * USDC + 1, Phase.ACTIVE, "CLAIM_FLOOR", 200 * USDC + 1, 200 * USDC),
        (claim(side="redeem", amount=10**18 + 1), 1, Phase.ACTIVE, "CLAIM", 10**18, 10**18 + 1),
        (claim(side="redeem", amount=1), USDC + 1, Phase.ACTIVE, "CLAIM_FLOOR", USDC + 1, USDC),
    ],
)
def test_approve_claim__too_much_or_too_little__refused_with_both_numbers(
    command: Claim, floor: int, phase: Phase, code: str, limit: int, value: int
) -> None:
    assert approve_claim(command, SEEN, floor, phase) == Refused(
        code=code, subject=command.controller, limit=limit, value=value
    )
