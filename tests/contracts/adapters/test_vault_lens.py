"""The lens: one call shows a vault, and what cannot be read is told instead of reverting."""

from dataclasses import replace
from typing import Any

import ape
import pytest

from tests.contracts.adapters.conftest import SEED, USDC
from tests.contracts.adapters.creation import Factory, Plan
from tests.contracts.system import DAY, System

NONE = b"\0" * 32


@pytest.fixture(scope="session")
def lens(factory: Factory, project: Any, accounts: Any) -> Any:
    return accounts[0].deploy(project.VaultLens, factory.contract)


@pytest.fixture
def listed(factory: Factory, plan: Plan, created: list[Any], project: Any) -> Any:
    """A vault of the factory."""
    assert created
    return project.MarketMakingVault.at(factory.made(plan).vault)


def test_show__vault_of_the_factory__names_roles_limits_and_markets(
    lens: Any, listed: Any, factory: Factory, plan: Plan
) -> None:
    seen = lens.show(listed)

    made = factory.made(plan)
    roles = seen.roles
    assert (roles.owner, roles.delay, roles.pendingOperations) == (made.timelock, 7 * DAY, 0)
    assert (roles.keeper, roles.guardian) == (plan.keeper, plan.guardian)
    assert roles.feeRecipient == plan.fee_recipient
    assert (tuple(roles.reporters), roles.quorum, roles.setId) == (plan.reporters, 2, 1)
    assert (seen.flags.listed, seen.flags.singleOperator) == (True, False)
    assert tuple(seen.limits) == plan.limits
    assert seen.marketsHash == plan.markets_hash
    assert seen.times.exitBound == 9 * DAY + DAY // 4
    assert [leg.adapter for leg in seen.legs] == list(made.adapters)
    assert (seen.openEpoch, seen.state) == (1, 0)


def test_show__operation_waits_and_guardian_paused__says_so(
    lens: Any, listed: Any, project: Any, accounts: Any
) -> None:
    lock = project.VaultTimelock.at(listed.owner())
    mandate = project.Mandate.at(listed.mandate())
    data = mandate.setKeeper.encode_input(accounts[9])
    lock.schedule(mandate, 0, data, NONE, NONE, 7 * DAY, sender=accounts[6])
    paused = mandate.pause(DAY, sender=accounts[2])

    seen = lens.show(listed)

    assert seen.roles.pendingOperations == 1
    assert seen.flags.paused
    assert seen.times.pausedUntil == paused.timestamp + DAY


def test_show__money_at_work_and_in_flight__adds_up(lens: Any, live: System) -> None:
    live.vault.allocate(live.pool, 300_000 * USDC, sender=live.keeper)
    live.vault.allocate(live.clob, 200_000 * USDC, sender=live.keeper)
    live.settle()
    live.vault.allocate(live.clob, 50_000 * USDC, sender=live.keeper)
    live.request_redeem(live.users[0], 7 * live.share)

    seen = lens.show(live.vault)

    money = seen.money
    assert (money.accepted, money.idle) == (SEED, SEED - 550_000 * USDC)
    assert money.legBid == money.legAsk == 300_000 * USDC
    assert money.attested == 250_000 * USDC
    assert money.supply == live.vault.totalSupply()
    assert money.price == live.vault.convertToAssets(live.share)
    pool, clob = seen.legs
    assert (pool.attested, pool.bid, pool.sent) == (False, 300_000 * USDC, 300_000 * USDC)
    assert (pool.outbound, pool.inbound, pool.equity) == (0, 0, 0)
    assert (clob.attested, clob.equity) == (True, 200_000 * USDC)
    assert (clob.outbound, clob.inbound) == (50_000 * USDC, 0)
    assert seen.redemptions.open == 7 * live.share
    assert seen.deposits.open == seen.deposits.total == 0
    assert seen.gate == live.nav.gate()
    assert (seen.losses.day, seen.losses.month) == tuple(live.mandate.lossBuckets())
    assert seen.losses.refilledAt == live.mandate.refilledAt()
    assert seen.cut == live.vault.cut()
    assert not seen.flags.priceDead


def test_show__home_but_not_yet_reported__is_inbound_below_zero(lens: Any, live: System) -> None:
    live.token.mint(live.clob, 5 * USDC, sender=live.deployer)
    live.clob.sync(sender=live.users[0])

    (_, clob) = lens.show(live.vault).legs

    assert (clob.returned, clob.inbound) == (5 * USDC, -5 * USDC)


def test_show__dead_feed__flags_the_leg_and_does_not_revert(
    lens: Any, invested_live: System, market: Any
) -> None:
    market.pass_time(3 * DAY)
    with ape.reverts(invested_live.pool.FeedTooOld):
        invested_live.pool.value()

    seen = lens.show(invested_live.vault)

    assert seen.flags.priceDead
    assert [leg.priceDead for leg in seen.legs] == [True, False]
    assert seen.money.legBid == 0


def test_show__wound_down__still_answers(lens: Any, live: System) -> None:
    receipt = live.end.startImpaired(sender=live.guardian)

    seen = lens.show(live.vault)

    assert (seen.state, seen.times.windDownStartedAt) == (2, receipt.timestamp)


def test_show__vault_of_nobody_known__is_not_listed_and_has_no_timelock(
    lens: Any, system: System
) -> None:
    """Its owner is a plain account, which answers nothing."""
    seen = lens.show(system.vault)

    assert not seen.flags.listed
    assert (seen.roles.owner, seen.roles.delay) == (system.owner.address, 0)


def test_show__owner_of_another_kind__has_no_timelock(
    lens: Any, deploy_system: Any, project: Any, accounts: Any
) -> None:
    other = accounts[0].deploy(project.WrappedEther)

    seen = lens.show(deploy_system(owner=other).vault)

    assert (seen.roles.delay, seen.roles.pendingOperations) == (0, 0)


def test_show__not_wired__reverts(lens: Any, factory: Factory, plan: Plan) -> None:
    half = replace(plan, salt=b"\x0a" * 32)
    factory.run(half, last=2)

    with ape.reverts(lens.NotWired):
        lens.show(factory.made(half).vault)
