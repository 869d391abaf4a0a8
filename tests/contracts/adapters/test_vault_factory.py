"""The factory: known code, arguments from the plan alone, bounds before anything is deployed."""

from dataclasses import replace
from typing import Any

import ape
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.adapters.conftest import CAP
from tests.contracts.adapters.creation import CODES, MARKETS_TYPE, Factory, Plan
from tests.contracts.rpc import Reverted, Rpc
from tests.contracts.system import DAY

TRANSACTION_GAS = 16_777_216
ZERO = "0x" + "00" * 20


def test_stages__in_order__deploy_what_the_plan_says(
    factory: Factory, plan: Plan, created: list[Any], project: Any
) -> None:
    made = factory.made(plan)
    vault = project.MarketMakingVault.at(made.vault)
    mandate = project.Mandate.at(vault.mandate())
    lock = project.VaultTimelock.at(made.timelock)
    nav = project.NavReporter.at(made.reporter)

    assert len(created) == 6
    assert vault.deployer() == lock.deployer() == factory.contract.address
    assert (vault.name(), vault.symbol(), vault.asset()) == (plan.name, plan.symbol, plan.asset)
    assert (mandate.owner(), lock.vault()) == (made.timelock, made.vault)
    assert (mandate.keeper(), mandate.guardian()) == (plan.keeper, plan.guardian)
    assert mandate.feeRecipient() == plan.fee_recipient
    assert tuple(mandate.limits()) == plan.limits
    assert lock.hasRole(lock.PROPOSER_ROLE(), plan.multisig)
    assert (tuple(nav.reporters()), nav.quorum()) == (plan.reporters, plan.quorum)
    assert vault.reporter() == made.reporter
    assert list(vault.adapters()) == list(made.adapters)
    pool, clob = made.adapters
    assert project.UniswapV3Adapter.at(pool).pool() == plan.markets[1][0][0]
    assert project.ClobAdapter.at(clob).route() == plan.routes[0]


def test_markets_hash__of_a_vault__is_the_hash_of_its_published_markets(
    factory: Factory, plan: Plan, created: list[Any], project: Any
) -> None:
    mandate = project.Mandate.at(project.MarketMakingVault.at(factory.made(plan).vault).mandate())

    (event,) = [entry for entry in created[-1].events if entry.event_name == "Created"]

    assert mandate.marketsHash() == plan.markets_hash
    assert keccak(encode([MARKETS_TYPE], [event.markets])) == plan.markets_hash
    assert (event.asset, event.singleOperator) == (plan.asset, False)


def test_stages__each__fit_into_one_transaction(created: list[Any]) -> None:
    """EIP-7825; the vault's is the largest, with half as much again to spare."""
    used = [receipt.gas_used for receipt in created]

    assert max(used) < TRANSACTION_GAS * 2 // 3, used


def test_codes__of_the_factory__are_the_hashes_it_was_built_with(factory: Factory) -> None:
    assert [bytes(code) for code in factory.contract.codes()] == [
        keccak(factory.code(name)) for name in CODES
    ]


def test_register__complete_vaults_alone__are_listed(
    factory: Factory, plan: Plan, created: list[Any]
) -> None:
    assert created
    contract, vault = factory.contract, factory.made(plan).vault
    half = replace(plan, salt=b"\2" * 32)
    factory.run(half, last=3)

    assert contract.isVault(vault)
    assert not contract.isVault(factory.made(half).vault)
    assert contract.vaultCount() == 1
    assert contract.vaults(0, 9) == [vault]
    assert contract.vaults(1, 9) == contract.vaults(0, 0) == []


def test_predict__before_anything_is_deployed__is_where_it_will_be(
    factory: Factory, plan: Plan
) -> None:
    other = replace(plan, salt=b"\3" * 32)

    predicted = factory.contract.predict(
        other.as_tuple(), factory.code("VaultTimelock"), factory.code("MarketMakingVault")
    )
    factory.run(other, last=2)

    made = factory.made(other)
    assert (predicted.timelock, predicted.vault) == (made.timelock, made.vault)


def test_stages__run_by_somebody_else__give_the_same(
    factory: Factory, plan: Plan, accounts: Any
) -> None:
    other = replace(plan, salt=b"\4" * 32)
    factory.run(other, last=1)

    replace(factory, sender=accounts[17]).run(other, first=1)

    assert factory.contract.isVault(factory.made(other).vault)


def test_create__same_plan_again__reverts_at_every_stage(
    factory: Factory, plan: Plan, created: list[Any]
) -> None:
    assert created
    for stage, arguments in factory.stages(plan):
        with ape.reverts(factory.contract.StageOutOfOrder):
            getattr(factory.contract, stage)(*arguments, sender=factory.sender)


@pytest.mark.parametrize("done", range(6))
def test_stages__skipped__revert(factory: Factory, plan: Plan, done: int) -> None:
    """After `done` stages only the next may run; a reporter and adapters in either order."""
    other = replace(plan, salt=b"\5" * 32)
    factory.run(other, last=done)
    allowed = {done, 3} if done == 2 else {done}

    for number, (stage, arguments) in enumerate(factory.stages(other)):
        if number in allowed:
            continue
        with ape.reverts(factory.contract.StageOutOfOrder):
            getattr(factory.contract, stage)(*arguments, sender=factory.sender)


@pytest.mark.parametrize("number", range(5))
def test_stages__another_code__revert(factory: Factory, plan: Plan, number: int) -> None:
    """V-22: nothing but the known code stands in a listed vault."""
    other = replace(plan, salt=b"\6" * 32)
    factory.run(other, last=number)
    stage, (given, code) = factory.stages(other)[number]

    with ape.reverts(factory.contract.CodeUnknown):
        getattr(factory.contract, stage)(given, code + b"\0", sender=factory.sender)


def test_wire__creator_instead_of_the_factory__reverts(
    factory: Factory, plan: Plan, project: Any
) -> None:
    other = replace(plan, salt=b"\7" * 32)
    factory.run(other, last=5)
    made = factory.made(other)
    vault = project.MarketMakingVault.at(made.vault)

    with ape.reverts(vault.NotDeployer):
        vault.wire(made.reporter, [], sender=factory.sender)
    with ape.reverts(project.VaultTimelock.at(made.timelock).NotDeployer):
        project.VaultTimelock.at(made.timelock).bind(made.vault, sender=factory.sender)


def test_create_vault__single_operator__carries_it_in_name_and_register(
    factory: Factory, plan: Plan, project: Any
) -> None:
    same = plan.keeper
    alone = replace(plan, salt=b"\x08" * 32, single_operator=True, guardian=same, multisig=same)

    factory.run(alone)

    vault = factory.made(alone).vault
    assert project.MarketMakingVault.at(vault).name() == "Athanor ETH (single operator)"
    assert factory.contract.isSingleOperator(vault)


def test_create_timelock__plan_beyond_the_bounds__reverts(
    factory: Factory, plan: Plan, world: Any
) -> None:
    """V-22: hard minima of every vault of the factory."""
    (pool,) = plan.markets[1]
    pairs = plan.markets[0]
    foreign = (world.usdc.address, *pool[1:])
    faults = {
        "StakeTooLow": {"limits": (CAP, 5_000, 3_000, 1_000, 499)},
        "NoDepositCap": {"limits": (0, 5_000, 3_000, 1_000, 500)},
        "PoolForeign": {"markets": (pairs, (foreign,))},
        "FeedMissing": {"markets": (pairs, ((*pool[:3], ZERO),))},
    }

    for name, change in faults.items():
        with ape.reverts(getattr(factory.contract, name)):
            factory.run(replace(plan, salt=b"\x09" * 32, **change), last=1)


@pytest.mark.parametrize(
    "change",
    [
        {"pool_limits": ()},
        {"markets": ((), None)},
        {"routes": ()},
        {"markets": ((), ()), "pool_limits": (), "routes": ()},
    ],
    ids=["limits", "pairs", "routes", "nothing"],
)
def test_create_timelock__markets_incomplete__reverts(
    factory: Factory, plan: Plan, change: dict[str, Any]
) -> None:
    if "markets" in change and change["markets"][1] is None:
        change = {**change, "markets": (change["markets"][0], plan.markets[1])}

    with ape.reverts(factory.contract.MarketsIncomplete):
        factory.run(replace(plan, **change), last=1)


def test_create_timelock__pool_with_another_token_fee_or_unknown__reverts(
    factory: Factory, plan: Plan, world: Any, accounts: Any
) -> None:
    pool, token, fee, feed = plan.markets[1][0]
    for wrong in ((pool, accounts[9].address, fee, feed), (pool, token, fee + 1, feed)):
        with ape.reverts(factory.contract.PoolForeign, pool=world.pool.address):
            factory.run(replace(plan, markets=(plan.markets[0], (wrong,))), last=1)
    with ape.reverts(factory.contract.PoolForeign, pool=ZERO):
        nowhere = (ZERO, accounts[9].address, fee, feed)
        factory.run(replace(plan, markets=(plan.markets[0], (nowhere,))), last=1)


@pytest.mark.parametrize("fields", [("keeper", "guardian"), ("keeper", "multisig")])
def test_create_timelock__offices_in_one_hand_unannounced__reverts(
    factory: Factory, plan: Plan, fields: tuple[str, str]
) -> None:
    one, other = fields

    with ape.reverts(factory.contract.RoleConflict, account=plan.keeper):
        factory.run(replace(plan, **{other: getattr(plan, one)}), last=1)


def test_create_timelock__multisig_reports_too__reverts_even_when_announced(
    factory: Factory, plan: Plan
) -> None:
    account = plan.reporters[1]

    with ape.reverts(factory.contract.RoleConflict, account=account):
        factory.run(replace(plan, multisig=account, single_operator=True), last=1)


@pytest.mark.parametrize(
    ("stage", "change"),
    [
        (0, {"delay": 7 * DAY - 1}),
        (1, {"limits": (CAP, 5_000, 3_000, 3_001, 500)}),
        (1, {"limits": (CAP, 5_001, 3_000, 1_000, 500)}),
        (2, {"quorum": 1}),
        (3, {"pool_limits": ((4_500, 1_001, 60, 30, 151),)}),
        (4, {"routes": (ZERO,)}),
    ],
    ids=["delay", "fee", "venue_cap", "quorum", "deviation", "route"],
)
def test_later_stages__beyond_the_contracts_own_bounds__revert(
    factory: Factory, plan: Plan, chain: Any, stage: int, change: dict[str, Any]
) -> None:
    """What the parts refuse by themselves; the same call with the sound plan goes through."""
    rpc = Rpc(chain)
    wrong, sound = replace(plan, salt=b"\x0b" * 32, **change), replace(plan, salt=b"\x0b" * 32)
    for candidate in (wrong, sound):
        factory.run(candidate, last=stage)

    rpc.request("eth_call", factory.call(sound, stage), "latest")
    with pytest.raises(Reverted):
        rpc.request("eth_call", factory.call(wrong, stage), "latest")
