"""A reporter that is missing is a failure only where the others are no quorum."""

import pytest

from keeper.doctor.peers import Answer, reporter_findings

SIGNERS = tuple("0x" + digit * 40 for digit in "123")
STRANGER = "0x" + "9" * 40


def answers(*signers: str) -> list[Answer]:
    return [
        Answer(url=f"http://r{number}", signer=signer, problem="" if signer else "ConnectError")
        for number, signer in enumerate(signers)
    ]


def statuses(*signers: str, quorum: int = 2) -> list[str]:
    found = reporter_findings(answers(*signers), frozenset(SIGNERS), quorum)
    return [str(finding.status) for finding in found]


def test_reporter_findings__all_answer__are_ok() -> None:
    assert statuses(*SIGNERS) == ["ok", "ok", "ok"]


def test_reporter_findings__one_missing_of_a_quorum_and_one__is_a_warning() -> None:
    assert statuses(SIGNERS[0], "", SIGNERS[2]) == ["ok", "warn", "ok"]


@pytest.mark.parametrize("others", [("", ""), (SIGNERS[0], ""), (STRANGER, "")])
def test_reporter_findings__no_quorum_left__the_missing_fail(others: tuple[str, str]) -> None:
    found = statuses(SIGNERS[0], *others)

    assert "warn" not in found
    assert found[-1] == "fail"


def test_reporter_findings__key_the_vault_does_not_know__is_told() -> None:
    found = reporter_findings(answers(*SIGNERS, STRANGER), frozenset(SIGNERS), 2)[-1]

    assert (found.status, STRANGER in found.found) == ("warn", True)
    assert "2 of the 2" not in found.found
    assert "propose set-reporters" in found.fix
