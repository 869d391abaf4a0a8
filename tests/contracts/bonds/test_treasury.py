"""The project's treasury through every state of its vault, its lock, its way to another vault."""

from typing import Any

import ape
import pytest

from tests.contracts.bonds.houses import DAY, USDC, ZERO, Bonds
from tests.contracts.bonds.test_market_creation import only

PROCEEDS = 10_000 * USDC


@pytest.fixture
def funded(bonds: Bonds, treasury: Any, market: int, alice: Any) -> Any:
    """The treasury with the proceeds of one purchase."""
    bonds.buy(market, PROCEEDS, alice)
    return treasury


@pytest.fixture
def invested(bonds: Bonds, funded: Any) -> Any:
    """The treasury with shares for them."""
    funded.poke(sender=bonds.stranger)
    bonds.settle()
    funded.poke(sender=bonds.stranger)
    return funded


def proceeds(bonds: Bonds, treasury: Any) -> int:
    return int(bonds.usdc.balanceOf(treasury))


def names(receipt: Any) -> list[str]:
    """Events of the treasury, in order."""
    address = receipt.receiver
    return [e.event_name for e in receipt.events if e.contract_address == address]


def test_poke__open__hands_the_proceeds_to_the_deposit_queue(bonds: Bonds, funded: Any) -> None:
    assets = proceeds(bonds, funded)

    event = only(funded.poke(sender=bonds.stranger), "RequestDeposit")

    assert 0 < assets <= PROCEEDS
    assert bonds.vault.pendingDepositRequest(0, funded) == assets
    assert proceeds(bonds, funded) == 0 == bonds.usdc.allowance(funded, bonds.vault)
    request = funded.poke(sender=bonds.stranger)
    assert names(request) == []
    assert event is not None


def test_poke__after_the_settlement__claims_the_shares(bonds: Bonds, funded: Any) -> None:
    assets = proceeds(bonds, funded)
    funded.poke(sender=bonds.stranger)
    bonds.settle()
    waiting = bonds.vault.maxMint(funded)

    event = only(funded.poke(sender=bonds.stranger), "ClaimShares")

    assert (event.vault, event.assets, event.shares) == (bonds.vault.address, assets, waiting)
    assert bonds.vault.balanceOf(funded) == waiting > 0


def test_poke__in_a_cut__joins_the_next_one(bonds: Bonds, funded: Any) -> None:
    bonds.cut()
    funded.poke(sender=bonds.stranger)

    bonds.system.submit(bonds.report())

    assert bonds.vault.pendingDepositRequest(0, funded) > 0 == bonds.vault.maxMint(funded)
    bonds.settle()
    assert bonds.vault.maxMint(funded) > 0


def test_poke__cut_lapsed__stays_queued_for_the_next(bonds: Bonds, funded: Any) -> None:
    funded.poke(sender=bonds.stranger)
    bonds.cut()
    bonds.wait(6 * 3_600 + 1)

    assert names(funded.poke(sender=bonds.stranger)) == []

    bonds.settle()
    assert names(funded.poke(sender=bonds.stranger)) == ["ClaimShares"]


def test_poke__cut_held__stays_queued_for_the_next(bonds: Bonds, funded: Any) -> None:
    funded.poke(sender=bonds.stranger)
    bonds.cut()
    bonds.system.nav.object(sender=bonds.system.guardian)

    assert names(funded.poke(sender=bonds.stranger)) == []

    bonds.settle()
    assert names(funded.poke(sender=bonds.stranger)) == ["ClaimShares"]


def test_poke__deposits_paused__keeps_the_assets_and_says_why(bonds: Bonds, funded: Any) -> None:
    """Edge case: proceeds that the vault does not take now are held and deposited later."""
    assets = proceeds(bonds, funded)
    bonds.system.mandate.pause(7 * DAY, sender=bonds.system.guardian)

    event = only(funded.poke(sender=bonds.stranger), "KeepAssets")

    until = bonds.system.mandate.pausedUntil()
    assert (event.vault, event.assets) == (bonds.vault.address, assets)
    assert bytes(event.reason)[4:] == until.to_bytes(32, "big")
    assert proceeds(bonds, funded) == assets
    assert bonds.usdc.allowance(funded, bonds.vault) == 0
    bonds.wait(7 * DAY)
    assert names(funded.poke(sender=bonds.stranger)) == ["RequestDeposit"]


def test_poke__less_than_the_vault_takes__waits_for_more(
    bonds: Bonds, treasury: Any, alice: Any
) -> None:
    bonds.usdc.transfer(treasury, USDC - 1, sender=alice)
    assert names(treasury.poke(sender=bonds.stranger)) == []

    bonds.usdc.transfer(treasury, 1, sender=alice)

    assert names(treasury.poke(sender=bonds.stranger)) == ["RequestDeposit"]


def test_poke__nothing_settled_for_a_week__takes_the_request_back_and_exits(
    bonds: Bonds, invested: Any, market: int, alice: Any
) -> None:
    """Edge case: proceeds that arrive while the vault is stale, and then winds down."""
    bonds.wait(4 * DAY)
    bonds.buy(market, PROCEEDS, alice)
    invested.poke(sender=bonds.stranger)
    queued = bonds.vault.pendingDepositRequest(0, invested)
    bonds.wait(4 * DAY)
    bonds.system.end.start(sender=bonds.stranger)
    bonds.system.end.collect(bonds.vault, bonds.usdc, sender=bonds.stranger)
    shares = bonds.vault.balanceOf(invested)

    receipt = invested.poke(sender=bonds.stranger)

    assert names(receipt) == ["CancelDeposit", "Exit", "ClaimRecovered"]
    assert only(receipt, "CancelDeposit").assets == queued > 0
    assert (only(receipt, "Exit").vault, only(receipt, "Exit").shares) == (
        *(bonds.vault.address, shares),
    )
    recovered = only(receipt, "ClaimRecovered")
    part = bonds.system.end.recovered(bonds.usdc) * shares // bonds.system.end.supplyAtStart()
    assert (recovered.vault, recovered.token, recovered.amount) == (
        *(bonds.vault.address, bonds.usdc.address, part),
    )
    assert proceeds(bonds, invested) == queued + part
    assert bonds.vault.balanceOf(invested) == 0


def test_poke__proceeds_arrive_in_the_wind_down__are_held_and_locked(
    bonds: Bonds, invested: Any, market: int, alice: Any
) -> None:
    """Edge case: the lock holds in a wind-down, or a team that can cause one cashes out."""
    bonds.end_vault()
    bonds.system.end.collect(bonds.vault, bonds.usdc, sender=bonds.stranger)
    bonds.buy(market, PROCEEDS, alice)

    invested.poke(sender=bonds.stranger)
    late = only(bonds.buy(market, PROCEEDS, alice), "Purchase").paid
    assert names(invested.poke(sender=bonds.stranger)) == []

    held = proceeds(bonds, invested)
    assert held > late
    with ape.reverts(invested.Locked):
        invested.withdraw(bonds.usdc, bonds.team, held, sender=bonds.team)
    with ape.reverts(invested.Locked):
        invested.cancelRequests(bonds.vault, sender=bonds.team)
    bonds.at(invested.polUnlock())
    invested.withdraw(bonds.usdc, bonds.team, held, sender=bonds.team)
    assert bonds.usdc.balanceOf(bonds.team) == held


def test_claim_recovered__another_token_in_kind__arrives_here(
    bonds: Bonds, invested: Any, accounts: Any
) -> None:
    bonds.end_vault()
    invested.poke(sender=bonds.stranger)
    other = bonds.deployer.deploy(bonds.project.TestUSDC, 18)
    other.mint(bonds.system.end, 10**20, sender=bonds.deployer)
    part = bonds.system.end.claimable(invested, other)

    event = only(
        invested.claimRecovered(bonds.vault, other, sender=bonds.stranger), "ClaimRecovered"
    )

    assert event.amount == part == other.balanceOf(invested) > 0
    again = invested.claimRecovered(bonds.vault, other, sender=bonds.stranger)
    assert names(again) == []


def test_withdraw__before_and_at_the_end_of_the_lock__is_refused_and_then_not(
    bonds: Bonds, invested: Any
) -> None:
    unlock, shares = invested.polUnlock(), bonds.vault.balanceOf(invested)
    bonds.at(unlock - 1)
    with ape.reverts(invested.Locked):
        invested.withdraw(bonds.vault, bonds.team, shares, sender=bonds.team)
    bonds.at(unlock)

    event = only(invested.withdraw(bonds.vault, bonds.team, shares, sender=bonds.team), "Withdraw")

    assert (event.token, event.to, event.amount) == (
        *(bonds.vault.address, bonds.team.address, shares),
    )
    assert bonds.vault.balanceOf(bonds.team) == shares


def test_poke__after_the_lock__leaves_the_assets_to_the_project(bonds: Bonds, funded: Any) -> None:
    bonds.at(funded.polUnlock())
    bonds.chain.mine()

    assert names(funded.poke(sender=bonds.stranger)) == []
    assert proceeds(bonds, funded) > 0


def test_cancel_requests__after_the_lock__brings_the_queued_assets_back(
    bonds: Bonds, funded: Any
) -> None:
    assets = proceeds(bonds, funded)
    funded.poke(sender=bonds.stranger)
    bonds.at(funded.polUnlock())

    event = only(funded.cancelRequests(bonds.vault, sender=bonds.team), "CancelDeposit")

    assert event.assets == assets == proceeds(bonds, funded)


def test_cancel_requests__redemption_queued__brings_the_shares_back(
    bonds: Bonds, invested: Any, second: Any
) -> None:
    _go(bonds, invested, second)
    invested.pokeVault(bonds.vault, sender=bonds.stranger)
    queued = bonds.vault.pendingRedeemRequest(0, invested)
    bonds.at(invested.polUnlock())

    event = only(invested.cancelRequests(bonds.vault, sender=bonds.team), "CancelRedeem")

    assert event.shares == queued == bonds.vault.balanceOf(invested) > 0


def test_poke_vault__left_behind_in_its_cut__keeps_what_is_cut_and_asks_for_the_rest(
    bonds: Bonds, invested: Any, second: Any, market: int, alice: Any
) -> None:
    bonds.buy(market, PROCEEDS, alice)
    invested.announceRedirect(second[0].vault, second[1].markets, 0, sender=bonds.team)
    invested.poke(sender=bonds.stranger)
    queued = bonds.vault.pendingDepositRequest(0, invested)
    bonds.wait(7 * DAY)
    bonds.cut()
    invested.redirect(sender=bonds.team)

    left = invested.pokeVault(bonds.vault, sender=bonds.stranger)

    assert names(left) == ["RequestRedeem"]
    assert bonds.vault.pendingDepositRequest(0, invested) == queued > 0


def test_initialise__twice_or_for_nobody__reverts(bonds: Bonds, treasury: Any) -> None:
    blank = bonds.project.ProjectTreasury.at(bonds.teller.treasuryImplementation())
    teller = bonds.system.acting(bonds.teller)
    given = (bonds.vault, bonds.plan.markets, 0, bonds.now + 400 * DAY)

    with ape.reverts(blank.NotTeller):
        blank.initialise((bonds.team, bonds.token, *given), sender=bonds.stranger)
    with ape.reverts(treasury.AlreadyInitialised):
        treasury.initialise((bonds.team, bonds.token, *given), sender=teller)
    for owner, token in ((ZERO, bonds.token), (bonds.team, ZERO)):
        with ape.reverts(blank.ZeroAddress):
            blank.initialise((owner, token, *given), sender=teller)


def _go(bonds: Bonds, treasury: Any, second: Any) -> None:
    """To another vault, after the notice."""
    system, plan = second
    treasury.announceRedirect(system.vault, plan.markets, 0, sender=bonds.team)
    bonds.wait(7 * DAY)
    treasury.redirect(sender=bonds.team)


def test_extend_lock__later__is_kept_and_never_shortened(bonds: Bonds, treasury: Any) -> None:
    old = treasury.polUnlock()
    for lock in (old, bonds.now + 10 * 365 * DAY + 60):
        with ape.reverts(treasury.LockOutOfRange):
            treasury.extendLock(lock, sender=bonds.team)

    receipt = treasury.extendLock(old + DAY, sender=bonds.team)

    assert only(receipt, "ExtendLock").polUnlock == old + DAY == treasury.polUnlock()


def test_project_calls__by_anybody_else__revert(bonds: Bonds, treasury: Any, second: Any) -> None:
    system, plan = second
    calls = [
        ("announceRedirect", (system.vault, plan.markets, 0)),
        ("cancelRedirect", ()),
        ("redirect", ()),
        ("extendLock", (2**40,)),
        ("cancelRequests", (bonds.vault,)),
        ("withdraw", (bonds.usdc, bonds.stranger, 0)),
    ]
    for name, arguments in calls:
        with ape.reverts(treasury.NotOwner):
            getattr(treasury, name)(*arguments, sender=bonds.stranger)


def test_redirect__seven_days_after_the_announcement__moves_everything_over(
    bonds: Bonds, invested: Any, second: Any, market: int, alice: Any
) -> None:
    system, plan = second
    receipt = invested.announceRedirect(system.vault, plan.markets, 0, sender=bonds.team)
    told = only(receipt, "AnnounceRedirect")
    assert (told.vault, told.pool) == (system.vault.address, bonds.pool.address)
    assert told.effectiveAt == bonds.now + 7 * DAY
    assert invested.announced()[0] == system.vault.address
    bonds.buy(market, PROCEEDS, alice)
    invested.poke(sender=bonds.stranger)
    queued = bonds.vault.pendingDepositRequest(0, invested)
    bonds.at(told.effectiveAt - 1)
    with ape.reverts(invested.RedirectTooEarly):
        invested.redirect(sender=bonds.team)
    bonds.at(told.effectiveAt)

    event = only(invested.redirect(sender=bonds.team), "Redirect")

    ends = {"from": bonds.vault.address, "to": system.vault.address}
    assert event.event_arguments == ends
    assert invested.vaults() == [bonds.vault.address, system.vault.address]
    shares = bonds.vault.balanceOf(invested)
    left = invested.pokeVault(bonds.vault, sender=bonds.stranger)
    assert names(left) == ["CancelDeposit", "RequestRedeem"]
    assert only(left, "CancelDeposit").assets == queued
    bonds.settle()
    paid = only(invested.pokeVault(bonds.vault, sender=bonds.stranger), "ClaimAssets")
    assert (paid.vault, paid.shares) == (bonds.vault.address, shares)
    assert bonds.vault.balanceOf(invested) == 0
    assert proceeds(bonds, invested) == queued + paid.assets
    # The new vault is empty: its keeper deposits first, the treasury waits.
    assert names(invested.poke(sender=bonds.stranger)) == ["KeepAssets"]
    system.request_deposit(system.keeper, 1_000 * USDC)
    with ape.reverts(bonds.teller.SharesNotAccepted):
        bonds.teller.shareValue(market, 1)


def test_redirect__taken_back__is_no_more(bonds: Bonds, treasury: Any, second: Any) -> None:
    system, plan = second
    for name in ("cancelRedirect", "redirect"):
        with ape.reverts(treasury.NoRedirect):
            getattr(treasury, name)(sender=bonds.team)
    treasury.announceRedirect(system.vault, plan.markets, 0, sender=bonds.team)

    event = only(treasury.cancelRedirect(sender=bonds.team), "CancelRedirect")

    assert event.vault == system.vault.address
    assert treasury.announced()[2] == 0


def test_redirect__announced_vault_ended_meanwhile__reverts(
    bonds: Bonds, treasury: Any, second: Any
) -> None:
    system, plan = second
    treasury.announceRedirect(system.vault, plan.markets, 0, sender=bonds.team)
    bonds.wait(7 * DAY)
    system.end.startImpaired(sender=system.guardian)

    with ape.reverts(treasury.VaultEnded):
        treasury.redirect(sender=bonds.team)


def test_redirect__proceeds_of_a_wind_down__are_deposited_in_the_other_vault(
    bonds: Bonds, invested: Any, second: Any
) -> None:
    """Edge case: held through the wind-down, never lost, later deposited."""
    system, plan = second
    bonds.end_vault()
    bonds.system.end.collect(bonds.vault, bonds.usdc, sender=bonds.stranger)
    invested.announceRedirect(system.vault, plan.markets, 0, sender=bonds.team)
    bonds.wait(7 * DAY)
    invested.redirect(sender=bonds.team)
    invested.pokeVault(bonds.vault, sender=bonds.stranger)
    held = proceeds(bonds, invested)
    seed_keeper(bonds, system)

    invested.poke(sender=bonds.stranger)

    assert system.vault.pendingDepositRequest(0, invested) == held > 0


def seed_keeper(bonds: Bonds, system: Any) -> None:
    """The second vault's keeper deposits, settles and so opens it to others."""
    system.request_deposit(system.keeper, 40_000 * USDC)
    system.wait_for_cut()
    bonds.feed.push(2 * 10**8, sender=bonds.deployer)
    system.vault.closeEpoch(sender=bonds.deployer)
    other = type(bonds)(
        **{name: getattr(bonds, name) for name in bonds.__slots__} | {"system": system}
    )
    system.submit(other.report())


def test_announce_redirect__vault_that_will_not_do__reverts(
    bonds: Bonds, treasury: Any, second: Any, make_plan: Any, make_system: Any, make_pool: Any
) -> None:
    system, plan = second
    with ape.reverts(treasury.VaultUsed):
        treasury.announceRedirect(bonds.vault, bonds.plan.markets, 0, sender=bonds.team)
    with ape.reverts(treasury.VaultUnknown):
        treasury.announceRedirect(bonds.token, plan.markets, 0, sender=bonds.team)
    with ape.reverts(treasury.MarketsForeign):
        treasury.announceRedirect(system.vault, (("x",), ()), 0, sender=bonds.team)
    with ape.reverts(treasury.MarketMissing):
        treasury.announceRedirect(system.vault, plan.markets, 3, sender=bonds.team)
    asset = bonds.deployer.deploy(bonds.project.TestUSDC, 6)
    pool = make_pool(bonds.token, asset)
    foreign = make_plan(asset, bonds.token, pool, bonds.feed, 3)
    other = make_system(foreign, asset)
    with ape.reverts(treasury.AssetDiffers):
        treasury.announceRedirect(other.vault, foreign.markets, 0, sender=bonds.team)


def test_poke_vault__that_never_was_its_own__reverts(
    bonds: Bonds, treasury: Any, second: Any
) -> None:
    vault = second[0].vault
    with ape.reverts(treasury.VaultForeign):
        treasury.pokeVault(vault, sender=bonds.stranger)
    with ape.reverts(treasury.VaultForeign):
        treasury.claimRecovered(vault, bonds.usdc, sender=bonds.stranger)
    bonds.at(treasury.polUnlock())
    with ape.reverts(treasury.VaultForeign):
        treasury.cancelRequests(vault, sender=bonds.team)
