"""What a stake shows, and which transactions lock it, take it back and burn of it."""

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from vault_samples import (
    ADA,
    BEA,
    NAV,
    NOW,
    SHARE,
    SIGNED,
    UNSIGNED,
    USDC,
    VAULT,
    FakeWallet,
    overview,
)

from keeper.chain.calls import Call
from keeper.chain.codec import checksum
from keeper.chain.stake import Penalty
from keeper.cli.acting import Plan
from keeper.cli.failures import NothingClaimable
from keeper.cli.vault.stake_plans import lock_plan, penalise_plan, request_plan, withdraw_plan
from keeper.cli.vault.stake_view import penalty_of, read_stake, stake_data, stake_rows
from keeper.wallet import FundsMissing, TransactionRefused

DAY = 86_400
STAKE = overview().stake.contract
LIMITS = dataclasses.replace(overview().limits, min_stake_bps=500)
CUT_AT = NOW - 10 * DAY
"""Ten days ago: late since seven, six of which are full by the keeper's appointment below."""
FACTS: dict[Any, Any] = {
    "stakeOf": 40 * SHARE,
    "waiting": (15 * SHARE, NOW + DAY),
    "penalisedUntil": 0,
    "keeperSince": 0,
    "isUnpaid": False,
    "cutTimeOf": CUT_AT,
    "balanceOf": 30 * SHARE,
    "allowance": 0,
}


class StakeWallet(FakeWallet):
    """Answers reads by name and, where it matters, by the arguments too."""

    def __init__(self, answers: dict[Any, Any] | None = None, **changes: Any) -> None:
        super().__init__({**FACTS, **(answers or {})}, **{"limits": LIMITS, **changes})

    async def read(self, calls: Sequence[Call], _block: Any = "latest") -> list[Any]:
        found = []
        for call in calls:
            exact = (call.function.name, *call.arguments)
            found.append(self._answers.get(exact, self._answers.get(call.function.name)))
        return found


def calls(plan: Plan) -> list[tuple[Any, ...]]:
    return [(s.call.to, s.call.function.name, *s.call.arguments) for s in plan.steps]


def locked(
    amount: str, *, account: str | None = None, approve: bool = True, wallet: Any = None
) -> Plan:
    chosen: Any = wallet or StakeWallet()
    what = (amount, account)
    plan = lock_plan(chosen, UNSIGNED, what, may_approve=approve, preview=False)
    return asyncio.run(plan)


def shown_of(wallet: StakeWallet, penalties: Sequence[Penalty] = ()) -> dict[str, Any]:
    seen = asyncio.run(wallet.overview())
    found = asyncio.run(read_stake(wallet, seen, seen.views.keeper))  # type: ignore[arg-type]
    return stake_data(seen, found, penalties)


@pytest.mark.parametrize("allowed", [0, 10 * SHARE - 1])
def test_lock_plan__allowed_too_little__approves_exactly_these_shares_first(allowed: int) -> None:
    assert calls(locked("10", wallet=StakeWallet({"allowance": allowed}))) == [
        (VAULT, "approve", STAKE, 10 * SHARE),
        (STAKE, "stake", 10 * SHARE),
    ]


def test_lock_plan__allowed_already__locks_alone() -> None:
    wallet = StakeWallet({"allowance": 10 * SHARE})

    assert calls(locked("10", wallet=wallet)) == [(STAKE, "stake", 10 * SHARE)]


def test_lock_plan__may_not_approve__says_how() -> None:
    with pytest.raises(FundsMissing) as caught:
        locked("10", approve=False)

    assert "--approve" in caught.value.next_step


def test_lock_plan__all_for_another__is_the_whole_balance_and_theirs() -> None:
    plan = locked("all", account=BEA)

    assert calls(plan)[-1] == (STAKE, "stakeFor", BEA, 30 * SHARE)
    assert plan.terms["locked_for"] == BEA


@pytest.mark.parametrize(("amount", "held"), [("30.5", 30 * SHARE), ("all", 0)])
def test_lock_plan__more_than_held__is_refused(amount: str, held: int) -> None:
    with pytest.raises(FundsMissing):
        locked(amount, wallet=StakeWallet({"balanceOf": held}))


def test_lock_plan__keepers__says_what_deposits_are_filled_up_to_then() -> None:
    """70 shares of 1,000 at 1.1 are worth 77 to the unit below; 5 % of NAV allows twenty times."""
    plan = locked("30", wallet=StakeWallet(keeper=ADA, deposit_queue=(0, 0)))

    worth = 70 * SHARE * NAV // (1_000 * SHARE + 10**12)
    assert plan.terms["counting_shares_after"] == 70 * SHARE
    assert plan.terms["bounds_nav_assets_after"] == worth * 20
    assert plan.terms["deposit_room_assets_after"] == worth * 20 - NAV
    assert plan.terms["counts_for_the_vault"] is True


def test_lock_plan__strangers__says_that_it_bounds_nothing() -> None:
    plan = locked("30")

    assert plan.terms["counts_for_the_vault"] is False
    assert plan.terms["bounds_nav_assets_after"] == overview().stake.deposit_cap
    assert "is not the vault's keeper" in dict(plan.panel)["bounds"]


def test_lock_plan__no_stake_asked_for__the_cap_bounds() -> None:
    plan = locked("30", wallet=StakeWallet(keeper=ADA, limits=overview().limits))

    assert plan.terms["bounds_nav_assets_after"] == overview().limits.deposit_cap


def test_lock_plan__preview_without_account__shows_what_stands_in_the_way() -> None:
    signing = dataclasses.replace(SIGNED, sender=None)
    wallet: Any = StakeWallet()

    plan = asyncio.run(lock_plan(wallet, signing, ("10", None), may_approve=False, preview=True))

    assert plan.steps == []
    assert "--approve" in plan.obstacles[0]["next_step"]


def test_request_plan__some__says_that_the_week_begins_anew_for_what_waits() -> None:
    wallet: Any = StakeWallet(keeper=ADA)

    plan = asyncio.run(request_plan(wallet, UNSIGNED, "25", preview=False))

    assert calls(plan) == [(STAKE, "requestWithdrawal", 25 * SHARE)]
    assert plan.terms["waiting_shares_after"] == 40 * SHARE
    assert plan.terms["leaves_at_earliest"] == NOW + 7 * DAY
    assert plan.terms["counting_shares_after"] == 15 * SHARE
    assert "waits anew" in dict(plan.panel)


def test_request_plan__all__is_what_counts() -> None:
    wallet: Any = StakeWallet({"waiting": (0, 0)})

    plan = asyncio.run(request_plan(wallet, UNSIGNED, "all", preview=False))

    assert calls(plan) == [(STAKE, "requestWithdrawal", 40 * SHARE)]
    assert "waits anew" not in dict(plan.panel)


@pytest.mark.parametrize(("amount", "counting"), [("40.1", 40 * SHARE), ("all", 0)])
def test_request_plan__more_than_counts__is_refused(amount: str, counting: int) -> None:
    wallet: Any = StakeWallet({"stakeOf": counting})

    with pytest.raises(FundsMissing):
        asyncio.run(request_plan(wallet, UNSIGNED, amount, preview=False))


def test_withdraw_plan__waited_long_enough__takes_what_waited_alone() -> None:
    wallet: Any = StakeWallet({"waiting": (15 * SHARE, NOW)})

    plan = asyncio.run(withdraw_plan(wallet, UNSIGNED, preview=False))

    assert calls(plan) == [(STAKE, "withdraw")]
    assert plan.terms["amount_shares"] == 15 * SHARE


def test_withdraw_plan__still_locked__names_the_time_in_a_preview_and_refuses_else() -> None:
    wallet: Any = StakeWallet()

    preview = asyncio.run(withdraw_plan(wallet, UNSIGNED, preview=True))
    with pytest.raises(TransactionRefused, match=str(NOW + DAY)):
        asyncio.run(withdraw_plan(wallet, UNSIGNED, preview=False))

    assert (preview.steps, preview.terms["leaves_at"]) == ([], NOW + DAY)
    assert "StillLocked" in preview.obstacles[0]["message"]


def test_withdraw_plan__wind_down__takes_everything_at_once() -> None:
    wallet: Any = StakeWallet(state=2, ended_at=NOW - 60)

    plan = asyncio.run(withdraw_plan(wallet, UNSIGNED, preview=False))

    assert calls(plan) == [(STAKE, "withdraw")]
    assert plan.terms["amount_shares"] == 55 * SHARE


def test_withdraw_plan__nothing_waits__names_the_request() -> None:
    wallet: Any = StakeWallet({"waiting": (0, 0)})

    with pytest.raises(NothingClaimable) as caught:
        asyncio.run(withdraw_plan(wallet, UNSIGNED, preview=False))

    assert "request-withdrawal" in caught.value.next_step


def unpaid(**answers: Any) -> StakeWallet:
    """Cuts 4 and 5 of five are unpaid, the older one for ten days."""
    times = {("isUnpaid", 4): True, ("isUnpaid", 5): True, ("cutTimeOf", 5): CUT_AT + DAY}
    return StakeWallet({**times, **answers}, cut=(5, CUT_AT + DAY, 5, 0, 0, 0))


def test_penalise_plan__none_named__is_for_the_oldest_unpaid_cut() -> None:
    wallet: Any = unpaid()

    plan = asyncio.run(penalise_plan(wallet, SIGNED, None, preview=False))

    assert calls(plan) == [(STAKE, "penalise", 4)]
    assert plan.terms["due_at"] == CUT_AT + 4 * DAY
    assert plan.terms["burnt_shares"] == 40 * SHARE // 50 + 15 * SHARE // 50


@pytest.mark.parametrize("name", ["penalisedUntil", "keeperSince"])
def test_penalise_plan__paid_for_or_before_the_keeper__counts_from_then(name: str) -> None:
    wallet: Any = unpaid(**{name: NOW - DAY + 1})

    with pytest.raises(TransactionRefused, match=str(NOW + 1)):
        asyncio.run(penalise_plan(wallet, SIGNED, 5, preview=False))


@pytest.mark.parametrize("epoch", [None, 3])
def test_penalise_plan__cut_paid__says_so(epoch: int | None) -> None:
    wallet: Any = StakeWallet() if epoch is None else unpaid()

    with pytest.raises(NothingClaimable, match="unpaid"):
        asyncio.run(penalise_plan(wallet, SIGNED, epoch, preview=False))


@pytest.mark.parametrize(("shares", "burnt"), [(0, 0), (1, 1), (50, 1), (51, 2), (5_000, 100)])
def test_penalty_of__any_stake__two_percent_rounded_up(shares: int, burnt: int) -> None:
    assert penalty_of(shares) == burnt


def test_stake_data__keepers__tells_what_counts_waits_bounds_and_was_burnt() -> None:
    mine = Penalty(BEA, 4, SHARE, NOW - DAY, 90, "0xaa")
    formers = Penalty(ADA, 3, 9 * SHARE, NOW - 2 * DAY, 80, "0xbb")

    data = shown_of(unpaid(), (formers, mine))

    assert (data["account"], data["is_keeper"]) == (BEA, True)
    assert (data["counting_shares"], data["waiting_shares"]) == (40 * SHARE, 15 * SHARE)
    assert data["leaves_at"] == NOW + DAY
    assert data["bounds_nav_assets"] == 2_000 * USDC
    assert data["deposit_room_assets"] == 2_000 * USDC - NAV - 50 * USDC
    assert data["burnt_shares"] == SHARE
    assert [entry["epoch"] for entry in data["penalties"]] == [4]
    assert [cut["epoch"] for cut in data["unpaid_cuts"]] == [4, 5]


def test_stake_data__keeper_as_a_node_spells_it__its_penalties_are_its_own() -> None:
    spelt = "0x" + "Ab" * 20

    data = shown_of(
        StakeWallet(keeper=spelt.lower()), (Penalty(checksum(spelt), 4, 7, NOW, 90, "0xaa"),)
    )

    assert (data["account"], data["burnt_shares"]) == (checksum(spelt), 7)


def test_stake_rows__cut_unpaid__says_what_may_be_burnt_and_when() -> None:
    rows = dict(stake_rows(shown_of(unpaid(keeperSince=NOW))))

    assert rows["cut 4 unpaid"].startswith("for 10 d; 1.10 ATH may be burnt ")
    assert rows["cut 4 unpaid"].endswith("(in 1 d)")
    assert rows["burnt so far"] == "nothing"
    assert "(in 1 d)" in rows["waits"]


def test_stake_rows__nothing_waits_and_nothing_is_unpaid__says_no_more() -> None:
    rows = dict(stake_rows(shown_of(StakeWallet({"waiting": (0, 0)}))))

    assert not {"waits", "cut 4 unpaid"} & set(rows)
    assert "5 % of NAV" in rows["deposits filled up to"]
