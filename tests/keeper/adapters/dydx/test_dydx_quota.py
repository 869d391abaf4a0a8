"""The endpoint's quota: places wait, cancels never do."""

import pytest

from keeper.venues.dydx.quota import Quota


def test_admits_place__four_fifths_sent__no_more_places() -> None:
    quota = Quota(10)

    quota.note(0.0, 7)
    assert quota.admits_place(1.0)
    quota.note(1.0, 1)

    assert not quota.admits_place(2.0)


def test_admits_place__a_minute_later__again() -> None:
    quota = Quota(10)
    quota.note(5.0, 8)

    assert not quota.admits_place(64.9)
    assert quota.admits_place(65.0)


@pytest.mark.parametrize("sent", [0, 10_000])
def test_admits_place__no_limit__always(sent: int) -> None:
    quota = Quota(0)
    quota.note(0.0, sent)

    assert quota.admits_place(0.0)
