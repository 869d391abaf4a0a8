"""The main path: request, cut, report, claim, redeem."""

from tests.contracts.system import System


def test_submit_report__first_deposit__mints_one_share_per_asset(any_system: System) -> None:
    system, alice = any_system, any_system.users[0]
    system.request_deposit(alice, 1_000 * system.unit)
    system.settle()

    system.vault.deposit(1_000 * system.unit, alice, alice, sender=alice)

    assert system.vault.balanceOf(alice) == 1_000 * system.share
    assert system.vault.totalAssets() == system.vault.idle() == 1_000 * system.unit


def test_submit_report__redeem_all__pays_all_but_rounding(any_system: System) -> None:
    system, alice = any_system, any_system.users[0]
    system.seed(alice, 1_000 * system.unit)
    system.request_redeem(alice, 1_000 * system.share)
    system.settle()

    system.vault.redeem(1_000 * system.share, alice, alice, sender=alice)

    paid = system.token.balanceOf(alice)
    assert 1_000 * system.unit - 2 <= paid <= 1_000 * system.unit
    assert system.vault.totalSupply() == 0
