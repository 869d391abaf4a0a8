"""ERC-4626, as far as ERC-7540 leaves it to an asynchronous vault, and ERC-7575's `share`."""

import pytest

from tests.contracts.conformance.conftest import Scene
from tests.contracts.conformance.standard import ZERO, Event
from tests.contracts.system import MAX_UINT

DEPOSIT = Event("Deposit", ("address", "address", "uint256", "uint256"), 2)
WITHDRAW = Event("Withdraw", ("address", "address", "address", "uint256", "uint256"), 3)
CONVERSIONS = ["convertToShares(uint256)", "convertToAssets(uint256)"]
LIMITS = {
    "maxDeposit(address)": "deposit(uint256,address)",
    "maxMint(address)": "mint(uint256,address)",
    "maxWithdraw(address)": "withdraw(uint256,address,address)",
    "maxRedeem(address)": "redeem(uint256,address,address)",
}


def test_asset__of_the_vault__is_the_token(scene: Scene) -> None:
    assert scene.vault.ask("asset()", returns="address") == scene.asset.address


def test_share__of_the_vault__is_an_erc20_of_itself(scene: Scene) -> None:
    assert scene.vault.ask("share()", returns="address") == scene.vault.address


def test_vault__of_the_share__is_the_vault_for_its_asset_alone(scene: Scene) -> None:
    of_asset = scene.vault.ask("vault(address)", scene.asset.address, returns="address")
    of_another = scene.vault.ask("vault(address)", scene.vault.address, returns="address")

    assert (of_asset, of_another) == (scene.vault.address, ZERO)


def test_total_assets__gift_to_the_vault__stays(scene: Scene) -> None:
    """It tells what is managed, and never reverts."""
    before = scene.vault.ask("totalAssets()")

    scene.system.token.mint(scene.system.vault, 5, sender=scene.system.deployer)

    assert scene.vault.ask("totalAssets()") == before == 1_003 * scene.unit


@pytest.mark.parametrize("signature", CONVERSIONS)
def test_convert_to__whoever_asks__is_the_same(scene: Scene, signature: str) -> None:
    callers = (None, scene.alice, scene.system.users[5], scene.system.keeper)

    answers = {scene.vault.ask(signature, 10**9 + 7, sender=caller) for caller in callers}

    assert len(answers) == 1


@pytest.mark.parametrize("signature", CONVERSIONS)
@pytest.mark.parametrize("amount", [0, 1, 2**128, MAX_UINT])
def test_convert_to__any_amount__does_not_revert(scene: Scene, signature: str, amount: int) -> None:
    assert not scene.vault.reverts(signature, amount)


@pytest.mark.parametrize("amount", [1, 7, 10**6 + 1, 10**21 + 3])
def test_convert_to_shares__any_amount__is_the_exact_quotient_down(
    scene: Scene, amount: int
) -> None:
    shares = scene.vault.ask("totalSupply()") + scene.system.vault.virtualShares()
    assets = scene.vault.ask("totalAssets()") + 1

    assert scene.vault.ask(CONVERSIONS[0], amount) == amount * shares // assets


@pytest.mark.parametrize("amount", [1, 7, 10**12 + 1, 10**27 + 3])
def test_convert_to_assets__any_amount__is_the_exact_quotient_down(
    scene: Scene, amount: int
) -> None:
    shares = scene.vault.ask("totalSupply()") + scene.system.vault.virtualShares()
    assets = scene.vault.ask("totalAssets()") + 1

    assert scene.vault.ask(CONVERSIONS[1], amount) == amount * assets // shares


@pytest.mark.parametrize("amount", [1, 999, 10**6 + 1, 10**18 + 1])
def test_convert_to__there_and_back__never_gains(scene: Scene, amount: int) -> None:
    shares = scene.vault.ask(CONVERSIONS[0], amount)
    assets = scene.vault.ask(CONVERSIONS[1], amount)

    assert scene.vault.ask(CONVERSIONS[1], shares) <= amount
    assert scene.vault.ask(CONVERSIONS[0], assets) <= amount


@pytest.mark.parametrize("signature", CONVERSIONS)
def test_convert_to__more__is_never_less(scene: Scene, signature: str) -> None:
    answers = [scene.vault.ask(signature, amount) for amount in (1, 10, 10**6, 10**18, 10**24)]

    assert answers == sorted(answers)


@pytest.mark.parametrize("signature", LIMITS)
def test_max__of_anybody__does_not_revert(settled: Scene, signature: str) -> None:
    people = (ZERO, settled.alice, settled.bob, settled.vault.address)

    assert not any(settled.vault.reverts(signature, person) for person in people)


@pytest.mark.parametrize("signature", LIMITS)
def test_max__whoever_asks__is_the_same(settled: Scene, signature: str) -> None:
    callers = (None, settled.alice, settled.bob)

    answers = {settled.vault.ask(signature, settled.alice, sender=who) for who in callers}

    assert len(answers) == 1


@pytest.mark.parametrize("limit", ["maxDeposit(address)", "maxMint(address)"])
def test_max__deposit_settled__can_be_claimed_and_one_more_cannot(
    settled: Scene, limit: str
) -> None:
    most = settled.vault.ask(limit, settled.alice)

    claim = LIMITS[limit]
    assert most > 0
    assert settled.vault.reverts(claim, most + 1, settled.alice, sender=settled.alice)
    assert not settled.vault.reverts(claim, most, settled.alice, sender=settled.alice)


@pytest.mark.parametrize("limit", ["maxWithdraw(address)", "maxRedeem(address)"])
def test_max__redemption_settled__can_be_claimed_and_one_more_cannot(
    paid: Scene, limit: str
) -> None:
    most, alice = paid.vault.ask(limit, paid.alice), paid.alice

    claim = LIMITS[limit]
    assert most > 0
    assert paid.vault.reverts(claim, most + 1, alice, alice, sender=alice)
    assert not paid.vault.reverts(claim, most, alice, alice, sender=alice)


def test_deposit__of_what_is_claimable__emits_and_gives_the_returned_shares(
    settled: Scene,
) -> None:
    """ERC-7540: the first field is the controller, the second the receiver."""
    most, due = (settled.vault.ask(name, settled.alice) for name in list(LIMITS)[:2])

    logs = settled.vault.send("deposit(uint256,address)", most, settled.bob, sender=settled.alice)

    people = (settled.alice.address, settled.bob.address)
    assert settled.vault.emitted(logs, DEPOSIT) == [(*people, most, due)]
    assert settled.vault.ask("balanceOf(address)", settled.bob) == due


def test_mint__part__consumes_assets_rounded_up(settled: Scene) -> None:
    most, due = (settled.vault.ask(name, settled.alice) for name in list(LIMITS)[:2])
    part = due // 3

    logs = settled.vault.send("mint(uint256,address)", part, settled.bob, sender=settled.alice)

    people, consumed = (settled.alice.address, settled.bob.address), -(-most * part // due)
    assert settled.vault.emitted(logs, DEPOSIT) == [(*people, consumed, part)]
    assert settled.vault.ask("balanceOf(address)", settled.bob) == part


def test_deposit__part__gives_shares_rounded_down(settled: Scene) -> None:
    most, due = (settled.vault.ask(name, settled.alice) for name in list(LIMITS)[:2])

    logs = settled.vault.send(
        "deposit(uint256,address)", most // 3, settled.bob, sender=settled.alice
    )

    ((_, _, _, shares),) = settled.vault.emitted(logs, DEPOSIT)
    assert shares == due * (most // 3) // most


def test_redeem__part__pays_assets_rounded_down_and_emits(paid: Scene) -> None:
    due, most = (paid.vault.ask(name, paid.alice) for name in list(LIMITS)[2:])
    alice, bob, part = paid.alice, paid.bob, most // 3

    logs = paid.vault.send("redeem(uint256,address,address)", part, bob, alice, sender=alice)

    assets = due * part // most
    people = (alice.address, bob.address, alice.address)
    assert paid.vault.emitted(logs, WITHDRAW) == [(*people, assets, part)]
    assert paid.asset.ask("balanceOf(address)", bob) == assets


def test_withdraw__part__consumes_shares_rounded_up_and_emits(paid: Scene) -> None:
    due, most = (paid.vault.ask(name, paid.alice) for name in list(LIMITS)[2:])
    alice, bob, part = paid.alice, paid.bob, due // 3

    logs = paid.vault.send("withdraw(uint256,address,address)", part, bob, alice, sender=alice)

    consumed = -(-most * part // due)
    people = (alice.address, bob.address, alice.address)
    assert paid.vault.emitted(logs, WITHDRAW) == [(*people, part, consumed)]
    assert paid.asset.ask("balanceOf(address)", bob) == part


@pytest.mark.parametrize("pieces", [2, 7])
def test_claims__in_pieces__never_pay_more_than_at_once(settled: Scene, pieces: int) -> None:
    most, due = (settled.vault.ask(name, settled.alice) for name in list(LIMITS)[:2])
    for _ in range(pieces):
        settled.vault.send(
            "deposit(uint256,address)", most // pieces, settled.bob, sender=settled.alice
        )

    rest = settled.vault.ask("maxDeposit(address)", settled.alice)
    settled.vault.send("deposit(uint256,address)", rest, settled.bob, sender=settled.alice)

    assert settled.vault.ask("balanceOf(address)", settled.bob) == due
    assert settled.vault.ask("maxMint(address)", settled.alice) == 0
