"""The keeper's side of the comparison with other makers, and the table it writes."""

from itertools import islice, pairwise
from pathlib import Path

import pytest

from benchmarks.peers.__main__ import BEGIN, END, PEERS, README, Turn, makers, replaced, table
from benchmarks.peers.ours import run
from benchmarks.peers.tape_file import Change, read_tape, walked, write_tape

CENT = 10**6
RULE = (2_000 * 10**6, 63, 10)


def test_write_tape__twice_over__times_go_on_and_prices_repeat(tmp_path: Path) -> None:
    changes = list(islice(walked(5), 5))

    count = write_tape(changes, tmp_path / "tape.txt", 2)

    found = list(read_tape(tmp_path / "tape.txt"))
    assert count == len(found) == 10
    assert [each[1:] for each in found[:5]] == [each[1:] for each in found[5:]]
    assert all(b.t_ns > a.t_ns for a, b in pairwise(found))


def test_run__other_side_reaches_a_quote__one_fill_and_a_new_order(tmp_path: Path) -> None:
    """Bid at 63 ppm below 3,000, down to the cent: 2,999.81; the ask falls to it a block later."""
    t0 = 1_721_347_200 * 10**9

    def change(second: int, bid_cents: int) -> Change:
        ask = (bid_cents + 2) * CENT
        return Change(t0 + second * 10**9, bid_cents * CENT, 10**8, ask, 10**8)

    still = [change(0, 299_999), change(1, 299_999)]
    write_tape([*still, change(2, 299_979), change(3, 299_979)], tmp_path / "tape.txt", 1)

    found = run(tmp_path / "tape.txt", RULE, block_ms=1_000)

    assert found["lines"] == 4
    assert found["fills"] == 1
    orders = found["orders"]
    assert isinstance(orders, int)
    assert 3 <= orders <= 6


def turn(lines_per_s: int) -> Turn:
    return Turn(
        lines=1_000, steps=1, orders=7, fills=3, wall_ns=10**9, cpu_ns=10**12 // lines_per_s
    )


def test_table__rounds__ratio_is_the_median_of_the_rounds() -> None:
    turns = {
        "keeper": [turn(100), turn(200), turn(50)],
        "peer": [turn(50), turn(400), turn(100)],
    }

    row = table(turns).splitlines()[-1]

    assert row.startswith("| peer | 100 |")
    assert row.endswith("| 7 | 3 | 0.50 |")


def test_replaced__readme__only_between_the_marks() -> None:
    text = README.read_text()

    found = replaced(text, "measured")

    assert f"{BEGIN}\nmeasured\n{END}" in found
    assert found.split(BEGIN)[0] == text.split(BEGIN)[0]
    with pytest.raises(ValueError, match="lacks"):
        replaced("nothing", "measured")


def test_makers__environments_there__keeper_first_and_each_script_exists(tmp_path: Path) -> None:
    for _, environment, *_ in PEERS:
        python = tmp_path / environment / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    found = makers(tmp_path)

    assert [each.name for each in found] == ["keeper", *(name for name, *_ in PEERS)]
    assert all(Path(each.command[1]).is_file() for each in found[1:])


@pytest.mark.parametrize("missing", sorted({environment for _, environment, *_ in PEERS}))
def test_makers__an_environment_missing__names_it_and_what_makes_it(
    tmp_path: Path, missing: str
) -> None:
    for _, environment, *_ in PEERS:
        python = tmp_path / environment / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        if environment != missing:
            python.touch()

    with pytest.raises(FileNotFoundError, match=rf"{missing}/.*peers_env\.sh"):
        makers(tmp_path)
