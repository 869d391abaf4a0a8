"""The four states of a request, both directions, from what the contract answers."""

import asyncio
from typing import Any

import pytest
from vault_samples import ADA, BEA, NEXT_CUT, NOW, SETTLED_AT, SHARE, USDC, FakeWallet

from keeper.chain.calls import CallReverted
from keeper.cli.vault.requests import print_requests, read_requests
from keeper.domain.history import Movement

CUT_STATE = 1
NOTHING = CallReverted("vault.cancel", "NothingToCancel", "NothingToCancel(ada)")
ANSWERS = {
    "pendingDepositRequest": 70 * USDC,
    "pendingRedeemRequest": 8 * SHARE,
    "claimableCancelDepositRequest": 3 * USDC,
    "claimableCancelRedeemRequest": 0,
    "maxDeposit": 20 * USDC,
    "maxMint": 19 * SHARE,
    "maxRedeem": 3 * SHARE,
    "maxWithdraw": 4 * USDC,
    "balanceOf": 5,
}


def movement(kind: str, account: str = ADA, **amounts: int) -> Movement:
    return Movement(kind=kind, time_s=9, block=1, tx_hash="0xt", account=account, **amounts)


HISTORY = (
    movement("deposit requested", assets=100 * USDC),
    movement("deposit requested", BEA, assets=999 * USDC),
    movement("deposit returned", assets=USDC),
    movement("shares claimed", assets=6 * USDC, shares=5 * SHARE),
    movement("redemption requested", shares=12 * SHARE),
    movement("assets claimed", assets=2 * USDC, shares=SHARE),
)


def read(tried: dict[str, Any], **changes: Any) -> dict[str, Any]:
    fake = FakeWallet(ANSWERS, **changes)
    fake.tried = tried
    wallet: Any = fake
    return asyncio.run(read_requests(wallet, ADA, HISTORY))


OPEN_ANSWERS = {"cancelDepositRequest": (70 * USDC,), "cancelRedeemRequest": (8 * SHARE,)}
CUT_ANSWERS = {"cancelDepositRequest": (30 * USDC,), "cancelRedeemRequest": NOTHING}


def test_read_requests__open__everything_unfilled_is_pending_until_the_next_cut() -> None:
    found = read(OPEN_ANSWERS)["deposit"]

    assert found["pending"] == {
        "assets": 70 * USDC,
        "cancellable": True,
        "next_cut_at": NEXT_CUT,
        "seconds_left": NEXT_CUT - NOW,
    }
    assert found["at_settlement"]["assets"] == 0
    assert found["at_settlement"]["seconds_left"] is None


def test_read_requests__cut__what_cannot_be_cancelled_is_at_settlement() -> None:
    found = read(CUT_ANSWERS, state=CUT_STATE)

    assert found["deposit"]["pending"]["assets"] == 30 * USDC
    assert found["deposit"]["at_settlement"] == {
        "assets": 40 * USDC,
        "cancellable": False,
        "cut_at": SETTLED_AT,
        "lapses_at": SETTLED_AT + 21_600,
        "seconds_left": SETTLED_AT + 21_600 - NOW,
    }
    assert found["redeem"]["pending"]["shares"] == 0
    assert found["redeem"]["at_settlement"]["shares"] == 8 * SHARE


def test_read_requests__claimable_and_claimed__are_amounts_in_and_out_of_this_account() -> None:
    found = read(OPEN_ANSWERS)

    assert found["deposit"]["claimable"] == {
        "assets": 20 * USDC,
        "shares": 19 * SHARE,
        "seconds_left": None,
    }
    assert found["deposit"]["claimed"] == {"assets": 6 * USDC, "shares": 5 * SHARE}
    assert found["redeem"]["claimable"]["assets"] == 4 * USDC
    assert found["redeem"]["claimed"] == {"shares": SHARE, "assets": 2 * USDC}


def test_read_requests__everything_asked__is_in_one_of_the_states_or_came_back() -> None:
    found = read(CUT_ANSWERS, state=CUT_STATE)

    for side, unit in (("deposit", "assets"), ("redeem", "shares")):
        states = found[side]
        held = sum(
            states[name][unit] for name in ("pending", "at_settlement", "claimable", "claimed")
        )
        held += states[f"cancelled_claimable_{unit}"]
        assert held + states[f"cancelled_{unit}"] == states[f"requested_{unit}"]


def test_read_requests__history__is_this_accounts_alone() -> None:
    assert len(read(OPEN_ANSWERS)["history"]) == len(HISTORY) - 1


def test_read_requests__cancel_reverts_for_another_reason__is_not_taken_for_nothing() -> None:
    broken = CallReverted("vault.cancel", "Panic", "Panic(0x11)")

    with pytest.raises(CallReverted, match="Panic"):
        read({**OPEN_ANSWERS, "cancelDepositRequest": broken})


def test_print_requests__cut__says_what_is_due_when(capsys: pytest.CaptureFixture[str]) -> None:
    print_requests(read(CUT_ANSWERS, state=CUT_STATE))

    out = capsys.readouterr().out
    assert "30.00 USDC, cut possible in 23 h, cancellable" in out
    assert "40.00 USDC, report due within 5 h, not cancellable" in out
    assert "19.00 ATH for 20.00 USDC" in out
