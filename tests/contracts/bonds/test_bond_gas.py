"""What creating, buying and redeeming cost stays within a quarter of the measured gas."""

from tests.contracts.bonds.gas import measure
from tests.contracts.bonds.houses import Bonds

BASELINE = {
    "createProject": 376_737,
    "createMarket, Dutch": 598_555,
    "createMarket, oracle": 505_418,
    "purchase, Dutch, first": 284_792,
    "purchase, Dutch": 230_692,
    "purchase, oracle": 221_660,
    "poke, deposit": 233_943,
    "purchase, Dutch, tunes": 267_541,
    "redeem, part": 98_282,
    "redeem, rest": 80_611,
    "reclaim": 79_300,
}


def test_gas__of_each_operation__is_near_its_baseline(bonds: Bonds) -> None:
    used = measure(bonds)

    assert used.keys() == BASELINE.keys()
    far = {name: gas for name, gas in used.items() if abs(gas / BASELINE[name] - 1) > 0.25}
    assert not far, used
