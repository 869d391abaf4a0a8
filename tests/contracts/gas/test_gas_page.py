"""The page of gas is complete, and a figure away from it is noticed."""

from typing import Any

import pytest

from tests.contracts.gas import table
from tests.contracts.gas.table import TOLERANCE_PERCENT, committed, function_of, row_name

ASIDE = ("contracts/mocks/", "contracts/interfaces/")


@pytest.fixture(scope="session")
def calls(project: Any) -> dict[str, set[str]]:
    """The state-changing functions of every contract that is deployed, as rows name them."""
    found = {}
    for name, container in project.load_contracts().items():
        kind = container.contract_type
        code = kind.deployment_bytecode and kind.deployment_bytecode.bytecode
        if kind.source_id.startswith(ASIDE) or not code or code == "0x":
            continue
        abi = table.signatures(kind)
        if names := {function_of(row_name(abi, one, "")) for one in abi}:
            found[name] = names
    return found


def test_page__every_function_of_every_contract__has_a_row(calls: dict[str, set[str]]) -> None:
    page = committed()
    without = {
        kind: missing
        for kind, names in calls.items()
        if (missing := names - {function_of(row) for row in page.get(kind, {})})
    }

    assert len(calls) >= 15
    assert without == {}


def test_page__every_row_of_a_contract__is_about_a_function_it_has(
    calls: dict[str, set[str]],
) -> None:
    contracts = {kind: rows for kind, rows in committed().items() if kind not in table.SPECIAL}
    foreign = {
        kind: extra
        for kind, rows in contracts.items()
        if (extra := {function_of(row) for row in rows} - calls.get(kind, set()))
    }

    assert contracts
    assert foreign == {}


def test_page__figures_users_ask_for_first__are_there() -> None:
    page = committed()

    assert [len(page[section]) for section in table.SPECIAL] == [1, 3, 2, 7, 3]


def test_page__settlements__cost_the_same_however_many_ask() -> None:
    figures = committed()["Settlement"].values()

    assert max(figures) * 100 <= min(figures) * 101


@pytest.mark.parametrize("factor", [100 - TOLERANCE_PERCENT - 1, 100 + TOLERANCE_PERCENT + 1])
def test_away__a_figure_off_by_more_than_the_tolerance__is_named(factor: int) -> None:
    section, (row, gas) = next((s, next(iter(r.items()))) for s, r in committed().items())
    moved = gas * factor // 100

    assert table.away({section: {row: moved}}) == {f"{section}: {row}": (moved, gas)}
    assert table.away({section: {row: gas * 101 // 100}}) == {}


def test_away__a_row_that_is_not_there__is_named() -> None:
    assert table.away({"Claims": {"of the moon": 1}}) == {"Claims: of the moon": (1, None)}


def test_merged__call_inside_another__stands_only_where_nobody_else_may_call() -> None:
    readings: list[dict[str, table.Rows]] = [
        {"rows": {"A": {"`f`": 1}}, "inner": {"A": {"`f`, inside `g`": 2, "`h`, inside `g`": 3}}},
        {"rows": {}, "inner": {"A": {"`h`, inside `g`": 5}}},
    ]

    assert table.merged(readings) == {"A": {"`f`": 1, "`h`, inside `g`": 5}}


def test_merged__one_row_of_two_tests__is_refused() -> None:
    reading: dict[str, table.Rows] = {"rows": {"A": {"`f`": 1}}, "inner": {}}

    with pytest.raises(ValueError, match="measured by two tests: A"):
        table.merged([reading, reading])


def test_page__numbers_in_rows__stand_in_their_order() -> None:
    rows = {section: {"x": 1} for section in table.SPECIAL}
    rows["Claims"] = {"after 100 fills": 2, "after 1 fill": 1, "after 9 fills": 3}

    text = table.page(rows)

    assert [text.index(f"| after {number} fill") for number in (1, 9, 100)] == sorted(
        text.index(f"| after {number} fill") for number in (1, 9, 100)
    )
