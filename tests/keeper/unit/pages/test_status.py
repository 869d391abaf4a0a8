"""What `keeper status` tells of the reference price and of what is due for depositors."""

from typing import Any

from keeper.core.state import State
from keeper.domain.events import Claimable, DutiesObserved, ReportCollected
from keeper.inventory.duties import wait_seconds
from keeper.pages.status import status_of
from tests.keeper.builders import (
    CLIENT_ID_BASE,
    CLOB,
    HOUR,
    HOUSEKEEPING,
    LEADER,
    MS,
    SECOND,
    START_NS,
    USDC,
    Keeper,
    adapter,
    leader,
    market_settings,
    settings,
    vault,
)


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


NOW = START_NS // SECOND


def house_of(keeper: Keeper) -> dict[str, Any] | None:
    view = status_of(keeper.state, keeper.now)["vault_view"]
    found: dict[str, Any] | None = view["housekeeping"]
    return found


def keeping() -> Keeper:
    keeper = Keeper(settings(housekeeping=HOUSEKEEPING))
    keeper.start()
    return keeper


def test_status_of__no_housekeeping__says_so() -> None:
    keeper = Keeper()
    keeper.feed(vault(1))

    assert house_of(keeper) is None


def test_status_of__open_vault__next_cut_with_this_keepers_wait() -> None:
    keeper = keeping()
    keeper.feed(vault(1, next_cut_at=NOW + 9 * HOUR))
    wait = wait_seconds(HOUSEKEEPING, f"0xvault/dydx1keeper/0/{CLIENT_ID_BASE}", 1)

    assert house_of(keeper) == {
        "next_duty": {"what": "cut", "due_at": NOW + 9 * HOUR + wait},
        "reporters": 3,
        "signatures": None,
        "quorum": None,
        "unpaid_since": None,
        "claims_to_send": 0,
        "homing_assets": 0,
    }


def test_status_of__cut_asked_about__report_due_and_who_signed() -> None:
    keeper = keeping()
    keeper.feed(vault(1, state="CUT", cut_at=NOW - HOUR))
    keeper.feed(
        ReportCollected(epoch=1, report=None, signatures=("0x1",), quorum=2, refusals=("late",))
    )

    house = house_of(keeper)

    assert house is not None
    assert house["next_duty"] == {"what": "report", "due_at": NOW + 5 * HOUR}
    assert (house["signatures"], house["quorum"]) == (1, 2)


def test_status_of__unpaid_cut_money_on_its_way_and_a_claim__all_told() -> None:
    keeper = keeping()
    clob = adapter(CLOB, returned=5 * USDC, requested=12 * USDC)
    keeper.feed(vault(1, next_cut_at=NOW + 99 * HOUR, adapters=(clob,)))
    claim = Claimable(controller="ada", deposit_assets=500 * USDC, redeem_shares=0, redeem_assets=0)
    keeper.feed(
        DutiesObserved(
            block_number=2,
            block_hash="0xd",
            block_timestamp=NOW,
            unpaid_since=NOW - HOUR,
            claims=(claim,),
        )
    )

    house = house_of(keeper)

    assert house is not None
    assert house["next_duty"] == {"what": "pay", "due_at": NOW + 71 * HOUR}
    assert house["homing_assets"] == 7 * USDC
    assert (house["claims_to_send"], house["unpaid_since"]) == (1, NOW - HOUR)
