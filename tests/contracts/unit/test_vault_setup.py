"""Constructor, wiring, roles, views and standards."""

from typing import Any

import ape
import pytest

from tests.contracts.system import MAX_UINT, System, vault_params

ZERO = "0x" + "00" * 20


@pytest.fixture
def make(project: Any, accounts: Any, system: System) -> Any:
    """Deploys a vault, of the system's asset unless told otherwise."""

    def deploy(token: Any = system.token) -> Any:
        params = vault_params(token, accounts[1:5], (10**12, 5_000, 3_000, 0, 0))
        return accounts[0].deploy(project.MarketMakingVault, params)

    return deploy


@pytest.mark.parametrize(
    ("decimals", "share_decimals", "virtual"), [(6, 18, 10**12), (8, 18, 10**10), (18, 24, 10**6)]
)
def test_constructor__decimals__give_share_decimals_and_virtual_shares(
    systems: dict[int, System], decimals: int, share_decimals: int, virtual: int
) -> None:
    vault = systems[decimals].vault

    assert vault.decimals() == share_decimals
    assert vault.virtualShares() == virtual
    assert vault.minDeposit() == 10**decimals
    assert vault.minRedeem() == 10**share_decimals
    assert vault.convertToAssets(10**share_decimals) == 10**decimals
    assert vault.convertToShares(10**decimals) == 10**share_decimals


@pytest.mark.parametrize("decimals", [5, 19])
def test_constructor__decimals_out_of_range__reverts(
    project: Any, accounts: Any, make: Any, decimals: int
) -> None:
    token = accounts[0].deploy(project.TestUSDC, decimals)

    with ape.reverts():
        make(token)


def test_wire__again__reverts(system: System) -> None:
    with ape.reverts(system.vault.AlreadyWired):
        system.vault.wire(system.nav, [], sender=system.deployer)


def test_wire__not_the_deployer__reverts(make: Any, system: System, stranger: Any) -> None:
    vault = make()

    with ape.reverts(vault.NotDeployer, caller=stranger.address):
        vault.wire(system.nav, [], sender=stranger)


def test_wire__adapter_of_another_asset__reverts(
    make: Any, project: Any, accounts: Any, system: System
) -> None:
    vault, deployer = make(), accounts[0]
    nav = deployer.deploy(project.NavReporter, vault, [key.address for key in system.signers], 2)
    other = deployer.deploy(project.TestUSDC, 6)
    leg = deployer.deploy(project.MockAdapter, vault, other, "0x" + "00" * 20)

    with ape.reverts(system.legs.ForeignAdapter, adapter=leg.address):
        vault.wire(nav, [leg], sender=deployer)


def test_wire__parts_of_another_vault__reverts(
    make: Any, project: Any, accounts: Any, system: System
) -> None:
    vault = make()
    keys = [key.address for key in system.signers]
    nav = accounts[0].deploy(project.NavReporter, vault, keys, 2)

    with ape.reverts(vault.ForeignComponent, component=system.nav.address):
        vault.wire(system.nav, [], sender=accounts[0])
    with ape.reverts(system.legs.ForeignAdapter, adapter=system.clob.address):
        vault.wire(nav, [system.clob], sender=accounts[0])


def test_wire__same_adapter_twice_or_too_many__reverts(
    make: Any, project: Any, accounts: Any, system: System
) -> None:
    vault = make()
    keys = [key.address for key in system.signers]
    nav = accounts[0].deploy(project.NavReporter, vault, keys, 2)
    adapter = accounts[0].deploy(project.MockAdapter, vault, system.token, ZERO)

    with ape.reverts(system.legs.DuplicateAdapter, adapter=adapter.address):
        vault.wire(nav, [adapter, adapter], sender=accounts[0])
    with ape.reverts(system.legs.TooManyAdapters, given=9, most=8):
        vault.wire(nav, [adapter] * 9, sender=accounts[0])


def test_wire__once__names_reporter_and_adapters_and_emits(
    make: Any, project: Any, accounts: Any, system: System
) -> None:
    vault = make()
    keys = [key.address for key in system.signers]
    nav = accounts[0].deploy(project.NavReporter, vault, keys, 2)
    adapter = accounts[0].deploy(project.MockAdapter, vault, system.token, ZERO)

    receipt = vault.wire(nav, [adapter], sender=accounts[0])

    assert receipt.events == [vault.Wire(reporter=nav, adapters=[adapter.address])]
    assert vault.reporter() == nav.address
    legs = project.Legs.at(vault.legs())
    assert vault.adapters() == legs.adapters() == [adapter.address]
    assert vault.isAdapter(adapter)
    assert legs.isAdapter(adapter)
    assert legs.attested() == []
    assert legs.vault() == vault.address


@pytest.mark.parametrize(
    ("interface", "supported"),
    [
        ("0x01ffc9a7", True),  # ERC-165
        ("0xe3bc4e65", True),  # ERC-7540 operators
        ("0xce3bbe50", True),  # ERC-7540 deposits
        ("0x620ee8e4", True),  # ERC-7540 redemptions
        ("0x2f0a18c5", True),  # ERC-7575
        ("0xffffffff", False),
    ],
)
def test_supports_interface__standard_ids__as_the_standards_say(
    system: System, interface: str, supported: bool
) -> None:
    assert system.vault.supportsInterface(interface) is supported


def test_preview__all_four__revert(system: System) -> None:
    vault = system.vault

    for preview in (
        vault.previewDeposit,
        vault.previewMint,
        vault.previewWithdraw,
        vault.previewRedeem,
    ):
        with ape.reverts(vault.PreviewUnavailable):
            preview(1)


def test_convert_to__largest_input__saturates(systems: dict[int, System]) -> None:
    """V-13: never a revert."""
    assert systems[6].vault.convertToShares(MAX_UINT) == MAX_UINT
    assert systems[6].vault.convertToAssets(MAX_UINT) == MAX_UINT // 10**12


def test_views__wired__answer(system: System) -> None:
    vault = system.vault

    assert vault.asset() == system.token.address
    assert vault.share() == vault.address
    assert vault.owner() == system.owner.address
    assert vault.deployer() == system.deployer.address
    assert vault.keeper() == system.keeper.address
    assert vault.guardian() == system.guardian.address


@pytest.mark.parametrize(
    ("contract", "headroom"), [("MarketMakingVault", 2_048), ("NavReporter", 4_096)]
)
def test_runtime_size__deployed__leaves_headroom_below_eip170(
    project: Any, chain: Any, system: System, contract: str, headroom: int
) -> None:
    deployed = {"MarketMakingVault": system.vault, "NavReporter": system.nav}[contract]

    assert len(chain.provider.get_code(deployed.address)) <= 24_576 - headroom
