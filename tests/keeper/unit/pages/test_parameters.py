"""Every parameter of every rule and overlay as a row for people."""

import pytest

from keeper.domain.strategies import (
    FeeOverlay,
    InventoryTarget,
    Overlays,
    SessionGate,
    Strategy,
    TrendOverlay,
)
from keeper.pages.parameters import parameter_rows
from tests.keeper.builders import market_settings, settings
from tests.keeper.unit.strategies.examples import EXAMPLES


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: type(rule).__name__)
def test_parameter_rows__every_rule_and_overlay__each_number_explained(rule: Strategy) -> None:
    bent = Overlays(
        trend=TrendOverlay(fast_seconds=5, slow_seconds=60, gain_ppm=1, max_shift_ppm=1),
        fee=FeeOverlay(maker_fee_ppm=-110),
        target=InventoryTarget(quote_quantums=-1_500_000_000),
        session=SessionGate(windows=((540, 1_020), (1_440, 2_000)), outside="pull"),
    )
    market = market_settings(strategy=rule, overlays=bent)

    rows = parameter_rows(settings(markets=(market,)))

    shown = {(row.scope, row.name): row.value for row in rows}
    assert len(shown) == len(rows)
    assert [row.name for row in rows if not row.meaning and row.name != "quoting rule"] == []
    assert shown[("ETH-USD, fee overlay", "maker fee")] == "-0.011 %"
    assert shown[("ETH-USD, target overlay", "quote quantums")] == "-1,500 USDC"
    assert shown[("ETH-USD, session overlay", "windows")] == "540 to 1,020, 1,440 to 2,000"
