"""What a run says of its quotes when it ends."""

import pytest

from keeper.bootstrap.trading import resting
from tests.keeper import builders


@pytest.mark.parametrize(("mode", "count"), [("live", 5), ("shadow", 0)])
def test_resting__one_order_ended__counts_the_others_unless_none_was_sent(
    mode: str, count: int
) -> None:
    core = builders.Keeper()
    core.start()
    core.state.mode = mode
    assert len(core.state.orders.working) == 6

    next(iter(core.state.orders.working.values())).ended = True

    assert resting(core.state) == count
