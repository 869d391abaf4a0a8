"""What creating, buying and redeeming cost stays within a quarter of the measured gas."""

from tests.contracts.bonds.gas import measure
from tests.contracts.bonds.houses import Bonds

BASELINE: dict[str, int] = {}


def test_gas__of_each_operation__is_near_its_baseline(bonds: Bonds) -> None:
    used = measure(bonds)

    assert used.keys() == BASELINE.keys()
    far = {name: gas for name, gas in used.items() if abs(gas / BASELINE[name] - 1) > 0.25}
    assert not far, used
