"""What `keeper status` tells of the reference price: the leader's age and word, or its absence."""

from typing import Any

from keeper.core.state import State
from keeper.pages.status import status_of
from tests.keeper.builders import LEADER, MS, Keeper, leader, market_settings, settings


def leader_of(state: State, now_ns: int) -> dict[str, Any] | None:
    (market,) = status_of(state, now_ns)["markets"]
    found: dict[str, Any] | None = market["leader"]
    return found


def led() -> Keeper:
    return Keeper(settings(markets=(market_settings(leader=LEADER),)))


def test_status_of__no_leader_configured__none() -> None:
    keeper = Keeper()
    keeper.start()

    assert leader_of(keeper.state, keeper.now) is None


def test_status_of__leader_fresh__reference_and_what_it_rests_on() -> None:
    keeper = led()
    keeper.feed(leader(1))
    keeper.start()

    assert leader_of(keeper.state, keeper.now + 40 * MS) == {
        "symbol": "ETHUSDT",
        "age_ms": 40,
        "price_e8": 300_000_000_000,
        "basis_ppb": 0,
        "reference_price": 3_000_000_000,
        "confidence_ppm": 0,
        "widen_ppm": 0,
    }


def test_status_of__leader_never_seen__no_reference() -> None:
    keeper = led()
    keeper.start()

    found = leader_of(keeper.state, keeper.now)

    assert found is not None
    assert (found["age_ms"], found["reference_price"]) == (-1, None)
