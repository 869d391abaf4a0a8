"""Each decision of the treasurer, and where repeated decisions end."""

import dataclasses

import pytest

from keeper.treasurer.policy import (
    Action,
    BridgeHome,
    Deposit,
    Move,
    Policy,
    View,
    Withdraw,
    next_action,
)

USDC = 1_000_000
PLAIN = Policy(
    trading=0,
    reserve=None,
    trading_share_ppm=1_000_000,
    wallet_float=1 * USDC,
    min_move=10 * USDC,
    fee=6_250,
)
SPLIT = dataclasses.replace(PLAIN, reserve=1, trading_share_ppm=100_000)
EMPTY = View(requested=0, sent_home=0, wallet=0, trading_equity=0, trading_free=0, reserve_free=0)


def view(**changes: int) -> View:
    return dataclasses.replace(EMPTY, **changes)


def test_next_action__arrival__deposited_but_for_float_and_fee() -> None:
    found = next_action(view(wallet=1_000 * USDC), PLAIN)

    assert found == Deposit(0, 1_000 * USDC - 1 * USDC - 6_250)


def test_next_action__dust__stays() -> None:
    assert next_action(view(wallet=11 * USDC), PLAIN) is None


def test_next_action__request_the_wallet_can_pay__bridged_exactly() -> None:
    found = next_action(view(requested=50 * USDC, sent_home=20 * USDC, wallet=32 * USDC), PLAIN)

    assert found == BridgeHome(30 * USDC)


def test_next_action__request__withdraws_what_is_missing_with_both_fees() -> None:
    seen = view(requested=500 * USDC, wallet=1 * USDC, trading_equity=2_000 * USDC)
    seen = dataclasses.replace(seen, trading_free=1_500 * USDC)

    assert next_action(seen, PLAIN) == Withdraw(0, 500 * USDC + 2 * 6_250)


def test_next_action__request_above_free__withdraws_what_is_free() -> None:
    seen = view(requested=500 * USDC, wallet=1 * USDC, trading_equity=450 * USDC)
    seen = dataclasses.replace(seen, trading_free=300 * USDC)

    assert next_action(seen, PLAIN) == Withdraw(0, 300 * USDC)


def test_next_action__request_and_nothing_free__sends_what_it_has() -> None:
    seen = view(requested=500 * USDC, wallet=301 * USDC)

    assert next_action(seen, PLAIN) == BridgeHome(300 * USDC - 6_250)


def test_next_action__request__reserve_before_trading() -> None:
    seen = view(requested=50 * USDC, wallet=1 * USDC, trading_free=90 * USDC)
    seen = dataclasses.replace(seen, reserve_free=900 * USDC)

    assert next_action(seen, SPLIT) == Withdraw(1, 50 * USDC + 2 * 6_250)


def test_next_action__everything_requested_was_sent__nothing_to_bridge() -> None:
    assert next_action(view(requested=50 * USDC, sent_home=50 * USDC, wallet=USDC), PLAIN) is None


def test_next_action__more_sent_than_requested__nothing_owed() -> None:
    assert view(requested=50, sent_home=60).owed == 0


def test_next_action__arrival_with_reserve__trading_gets_its_share() -> None:
    found = next_action(view(wallet=1_000 * USDC), SPLIT)

    assert found == Deposit(0, 100 * USDC)


def test_next_action__trading_full__arrival_goes_to_the_reserve() -> None:
    seen = view(wallet=500 * USDC, trading_equity=150 * USDC, reserve_free=900 * USDC)

    assert next_action(seen, SPLIT) == Deposit(1, 500 * USDC - 1 * USDC - 6_250)


def test_next_action__trading_above_its_share__excess_moved_to_the_reserve() -> None:
    seen = view(wallet=1 * USDC, trading_equity=300 * USDC, reserve_free=699 * USDC)
    seen = dataclasses.replace(seen, trading_free=250 * USDC)

    assert next_action(seen, SPLIT) == Move(0, 1, 200 * USDC)


def test_next_action__trading_below_its_share__topped_up() -> None:
    seen = view(wallet=1 * USDC, trading_equity=50 * USDC, reserve_free=949 * USDC)

    assert next_action(seen, SPLIT) == Move(1, 0, 50 * USDC)


def test_next_action__float_eaten_by_fees__refilled() -> None:
    seen = view(wallet=400_000, trading_equity=100 * USDC, trading_free=100 * USDC)

    assert next_action(seen, PLAIN) == Withdraw(0, 600_000)


def test_next_action__wallet_cannot_pay_a_fee__nothing() -> None:
    assert next_action(view(requested=USDC, wallet=6_249, trading_free=100 * USDC), PLAIN) is None


def apply(seen: View, action: Action, policy: Policy) -> View:
    """What the venue would say after the action."""
    wallet, trading, reserve = seen.wallet - policy.fee, seen.trading_free, seen.reserve_free
    sent_home = seen.sent_home
    match action:
        case Deposit(subaccount=number, quantums=amount):
            wallet -= amount
            trading += amount if number == policy.trading else 0
            reserve += amount if number == policy.reserve else 0
        case Withdraw(subaccount=number, quantums=amount):
            wallet += amount
            trading -= amount if number == policy.trading else 0
            reserve -= amount if number == policy.reserve else 0
        case BridgeHome(quantums=amount):
            wallet -= amount
            sent_home += amount
        case Move(sender=sender, quantums=amount):
            sign = 1 if sender == policy.reserve else -1
            trading += sign * amount
            reserve -= sign * amount
    return View(
        requested=seen.requested,
        sent_home=sent_home,
        wallet=wallet,
        trading_equity=trading,
        trading_free=trading,
        reserve_free=reserve,
    )


@pytest.mark.parametrize("policy", [PLAIN, SPLIT])
@pytest.mark.parametrize("requested", [0, 5 * USDC, 123_456_789, 800 * USDC, 5_000 * USDC])
@pytest.mark.parametrize("wallet", [0, 500_000, 7 * USDC, 999 * USDC])
def test_next_action__applied_until_idle__request_met_and_nothing_negative(
    policy: Policy, requested: int, wallet: int
) -> None:
    seen = view(requested=requested, wallet=wallet, trading_free=300 * USDC)
    seen = dataclasses.replace(seen, trading_equity=300 * USDC, reserve_free=600 * USDC)
    if policy.reserve is None:
        seen = dataclasses.replace(seen, reserve_free=0)
    total = seen.wallet + seen.trading_equity + seen.reserve_free

    for _ in range(20):
        action = next_action(seen, policy)
        if action is None:
            break
        seen = apply(seen, action, policy)
        assert min(seen.wallet, seen.trading_free, seen.reserve_free) >= 0
        assert seen.sent_home <= seen.requested
    else:
        pytest.fail("never idle")

    reachable = total - policy.wallet_float - 6 * policy.fee - policy.min_move
    if wallet >= policy.fee:
        assert seen.sent_home >= min(requested, reachable)


@pytest.mark.parametrize("policy", [PLAIN, SPLIT])
def test_next_action__request_without_an_end__sends_home_all_that_is_free_again_and_again(
    policy: Policy,
) -> None:
    """A wind-down asks for 2^128 - 1, once for each call; later arrivals go home as well."""
    asked = 3 * (2**128 - 1)
    seen = view(requested=asked, wallet=5 * USDC, trading_equity=900 * USDC)
    seen = dataclasses.replace(seen, trading_free=600 * USDC, reserve_free=300 * USDC)
    if policy.reserve is None:
        seen = dataclasses.replace(seen, reserve_free=0)
    whole = seen.wallet + seen.trading_free + seen.reserve_free

    done = run_to_the_end(seen, policy)
    again = run_to_the_end(dataclasses.replace(done, wallet=done.wallet + 50 * USDC), policy)

    assert (done.trading_free, done.reserve_free) == (0, 0)
    assert whole - done.sent_home < policy.min_move + policy.wallet_float + 5 * policy.fee
    assert again.sent_home - done.sent_home > 50 * USDC - 2 * policy.fee


def run_to_the_end(seen: View, policy: Policy) -> View:
    """Carry decisions out until there is none, each step paying its fee from the wallet."""
    for _ in range(10):
        action = next_action(seen, policy)
        if action is None:
            return seen
        wallet = seen.wallet - policy.fee
        match action:
            case BridgeHome(amount):
                sent = seen.sent_home + amount
                seen = dataclasses.replace(seen, wallet=wallet - amount, sent_home=sent)
            case Withdraw(subaccount, amount) if subaccount == policy.trading:
                left = seen.trading_free - amount
                seen = dataclasses.replace(seen, wallet=wallet + amount, trading_free=left)
            case Withdraw(_, amount):
                left = seen.reserve_free - amount
                seen = dataclasses.replace(seen, wallet=wallet + amount, reserve_free=left)
            case _:
                raise AssertionError(action)
    raise AssertionError("it never ends")
