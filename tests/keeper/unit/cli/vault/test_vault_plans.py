"""What a depositor's command would send, and why it would not."""

import asyncio
import dataclasses
from typing import Any

import pytest
from vault_samples import (
    ADA,
    ASSET,
    BEA,
    SHARE,
    SIGNED,
    SILO,
    UNSIGNED,
    USDC,
    VAULT,
    FakeWallet,
    overview,
)

from keeper.chain.calls import CallReverted
from keeper.chain.codec import contract
from keeper.chain.overview import Limits
from keeper.cli.acting import Plan, acting
from keeper.cli.failures import ArgumentInvalid, NothingClaimable
from keeper.cli.vault.claims import cancel_plan, claim_plan, cut_plan, operator_plan
from keeper.cli.vault.plans import deposit_plan, redeem_plan
from keeper.wallet import FundsMissing, TransactionRefused

NOTHING_CLAIMABLE = {
    "maxDeposit": 0,
    "maxRedeem": 0,
    "maxMint": 0,
    "maxWithdraw": 0,
    "claimableCancelDepositRequest": 0,
    "claimableCancelRedeemRequest": 0,
    "isOperator": False,
}


def plan_deposit(
    amount: str = "1000", *, held: int = 10**9, allowed: int = 0, **options: bool
) -> Plan:
    wallet: Any = FakeWallet(
        {"balanceOf": held, "allowance": allowed},
        limits=Limits(10**12, 5_000, 3_000, fee_bps=0, min_stake_bps=0),
    )
    chosen = {"may_approve": False, "preview": False, **options}
    return asyncio.run(deposit_plan(wallet, UNSIGNED, amount, **chosen))


def names(plan: Plan) -> list[str]:
    return [step.what for step in plan.steps]


def test_deposit_plan__enough_allowance__is_one_transaction() -> None:
    assert names(plan_deposit(allowed=10**9)) == ["request deposit"]


def test_deposit_plan__no_allowance__names_the_fix() -> None:
    with pytest.raises(FundsMissing) as caught:
        plan_deposit(allowed=10**9 - 1)

    assert "--approve" in caught.value.next_step
    assert "999.999999 USDC" in str(caught.value)


def test_deposit_plan__approve_asked_for__approves_exactly_the_amount_first() -> None:
    plan = plan_deposit(may_approve=True)

    assert names(plan) == ["approve 1,000.00 USDC", "request deposit"]
    approval = plan.steps[0].call
    assert (approval.to, approval.function.name, approval.arguments) == (
        *(ASSET, "approve"),
        (VAULT, 10**9),
    )


def test_deposit_plan__probe__moves_the_assets_where_the_request_would() -> None:
    probe = plan_deposit(may_approve=True).probe

    assert probe is not None
    assert (probe.to, probe.function.name, probe.arguments) == (ASSET, "transfer", (SILO, 10**9))


def test_deposit_plan__balance_one_unit_short__is_refused() -> None:
    with pytest.raises(FundsMissing, match=r"999\.999999 USDC"):
        plan_deposit(held=10**9 - 1, may_approve=True)


def test_deposit_plan__preview_of_what_cannot_be__shows_why_and_the_terms() -> None:
    plan = plan_deposit(held=0, preview=True)

    assert plan.steps == []
    assert plan.obstacles[0]["code"] == "FUNDS_MISSING"
    assert plan.terms["balance_assets"] == 0


def test_deposit_plan__preview_by_nobody__needs_no_account() -> None:
    wallet: Any = FakeWallet()
    nobody = dataclasses.replace(UNSIGNED, sender=None)

    plan = asyncio.run(deposit_plan(wallet, nobody, "5", may_approve=False, preview=True))

    assert names(plan) == ["request deposit"]
    assert plan.terms["balance_assets"] is None


def test_deposit_plan__below_the_minimum__is_refused() -> None:
    with pytest.raises(ArgumentInvalid, match="smallest deposit"):
        plan_deposit("0.999999")


def plan_redeem(amount: str, held: int, *, preview: bool = False) -> Plan:
    wallet: Any = FakeWallet({"balanceOf": held, "allowance": 0})
    return asyncio.run(redeem_plan(wallet, UNSIGNED, amount, preview=preview))


def test_redeem_plan__all__is_the_whole_balance() -> None:
    (step,) = plan_redeem("ALL ", 7 * SHARE).steps

    assert step.call.arguments == (7 * SHARE, ADA, ADA)


@pytest.mark.parametrize(("amount", "held"), [("all", 0), ("6", 5 * SHARE)])
def test_redeem_plan__more_than_held__is_refused(amount: str, held: int) -> None:
    with pytest.raises(FundsMissing, match="redemption"):
        plan_redeem(amount, held)


def test_redeem_plan__below_the_minimum_but_all__is_allowed() -> None:
    assert names(plan_redeem("0.5", SHARE // 2)) == ["request redemption"]


def test_redeem_plan__below_the_minimum__is_refused() -> None:
    with pytest.raises(ArgumentInvalid, match="smallest redemption"):
        plan_redeem("0.5", SHARE)


def plan_claim(controller: str | None = None, **answers: Any) -> Plan:
    wallet: Any = FakeWallet({**NOTHING_CLAIMABLE, **answers}, address=ADA)
    return asyncio.run(claim_plan(wallet, SIGNED, controller))


def test_claim_plan__both_directions__are_two_claims_to_oneself() -> None:
    plan = plan_claim(maxDeposit=5, maxMint=4 * SHARE, maxRedeem=6, maxWithdraw=3 * USDC)

    assert names(plan) == ["claim 4.00 ATH", "claim 3.00 USDC"]
    assert [(step.call.function.name, step.call.arguments) for step in plan.steps] == [
        ("deposit", (5, ADA, ADA)),
        ("redeem", (6, ADA, ADA)),
    ]


def test_claim_plan__by_an_operator__pays_the_controller() -> None:
    (step,) = plan_claim(BEA, maxDeposit=5, maxMint=1, isOperator=True).steps

    assert step.call.arguments == (5, BEA, BEA)


def test_claim_plan__for_somebody_else_without_permission__says_how_to_get_it() -> None:
    with pytest.raises(TransactionRefused) as caught:
        plan_claim(BEA, maxDeposit=5, maxMint=1)

    assert f"keeper vault operator {ADA}" in caught.value.next_step


def test_claim_plan__nothing_settled__is_refused() -> None:
    with pytest.raises(NothingClaimable, match="nothing to claim"):
        plan_claim()


def test_claim_plan__cancelled_and_not_fetched__is_claimed_too() -> None:
    plan = plan_claim(claimableCancelDepositRequest=2 * USDC, claimableCancelRedeemRequest=SHARE)

    assert names(plan) == ["claim 2.00 USDC cancelled", "claim 1.00 ATH cancelled"]
    assert [(step.call.function.name, step.call.arguments) for step in plan.steps] == [
        ("claimCancelDepositRequest", (0, ADA, ADA)),
        ("claimCancelRedeemRequest", (0, ADA, ADA)),
    ]


def plan_cancel(side: str, waiting: int, returned: int | None, **changes: Any) -> Plan:
    """Plan it for ada, who has so much waiting and would get so much back (None: a refusal)."""
    name = f"{side.capitalize()}Request"
    wallet: Any = FakeWallet({f"pending{name}": waiting}, **changes)
    nothing = CallReverted("vault.cancel", "NothingToCancel", "NothingToCancel(ada)")
    wallet.tried = {f"cancel{name}": nothing if returned is None else (returned,)}
    return asyncio.run(cancel_plan(wallet, UNSIGNED, side))


@pytest.mark.parametrize(("side", "name"), [("deposit", "Deposit"), ("redeem", "Redeem")])
def test_cancel_plan__side__cancels_that_request_and_claims_it(side: str, name: str) -> None:
    cancel, claim = plan_cancel(side, 5, 5).steps

    vault = contract("MarketMakingVault")
    assert cancel.call.function == vault.function(f"cancel{name}Request", 2)
    assert cancel.call.arguments == (0, ADA)
    assert claim.call.function == vault.function(f"claimCancel{name}Request", 3)
    assert claim.call.arguments == (0, ADA, ADA)


def test_cancel_plan__all_of_it_waits__says_what_comes_back_and_where_the_rest_is() -> None:
    plan = plan_cancel("deposit", 7 * USDC, 7 * USDC)

    assert plan.terms == {
        "side": "deposit",
        "returned_assets": 7 * USDC,
        "in_the_cut_assets": 0,
        "cut_lapses_at": None,
    }
    assert [tuple(row) for row in plan.panel] == [
        ("comes back", "7.00 USDC, at once"),
        ("settled before", f"stays yours: keeper vault requests {ADA}"),
    ]


def test_cancel_plan__part_in_an_open_cut__says_that_it_stays_and_until_when() -> None:
    plan = plan_cancel("redeem", 9 * SHARE, 2 * SHARE)

    lapses_at = plan.terms["cut_lapses_at"]
    assert plan.terms["returned_shares"] == 2 * SHARE
    assert plan.terms["in_the_cut_shares"] == 7 * SHARE
    assert lapses_at == overview().views.cut[1] + 6 * 3_600
    assert plan.panel[1][1].startswith("7.00 ATH until it settles, or lapses ")


def test_cancel_plan__nothing_to_cancel__is_left_to_the_rehearsal_to_refuse() -> None:
    plan = plan_cancel("redeem", 9 * SHARE, None)

    assert plan.terms["returned_shares"] == 0
    assert plan.steps[0].call.function.name == "cancelRedeemRequest"


def test_cut_plan__unsigned_by_nobody__needs_no_account() -> None:
    wallet: Any = FakeWallet({"state": 0, "nextCutTime": 5})
    nobody = dataclasses.replace(UNSIGNED, sender=None)

    plan = asyncio.run(cut_plan(wallet, nobody))

    assert plan.account == ""
    assert plan.terms == {"state": "OPEN", "next_cut_at": 5}


@pytest.mark.parametrize("approved", [True, False])
def test_operator_plan__flag__is_what_is_sent(approved: bool) -> None:
    wallet: Any = FakeWallet()

    (step,) = asyncio.run(operator_plan(wallet, UNSIGNED, BEA, approved=approved)).steps

    assert step.call.arguments == (BEA, approved)


@pytest.mark.parametrize(("address", "sender"), [("", None), (ADA, "0x" + "44" * 20), ("", "0x12")])
def test_acting__no_or_another_account__is_refused(address: str, sender: str | None) -> None:
    wallet: Any = FakeWallet(address=address)

    with pytest.raises(ArgumentInvalid):
        acting(wallet, dataclasses.replace(UNSIGNED, sender=sender))
