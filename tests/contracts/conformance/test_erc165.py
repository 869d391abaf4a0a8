"""ERC-165, and the interface ids of every standard the vault says it follows."""

import pytest

from tests.contracts.conformance.conftest import Scene
from tests.contracts.conformance.standard import interface_id
from tests.contracts.system import System


@pytest.fixture
def any_system(system: System) -> System:
    """Six decimals alone: nothing here is about amounts."""
    return system


SUPPORTS = "supportsInterface(bytes4)"
SETTLED_SIDES = [
    "asset()",
    "convertToShares(uint256)",
    "convertToAssets(uint256)",
    "totalAssets()",
    "maxDeposit(address)",
    "previewDeposit(uint256)",
    "deposit(uint256,address)",
    "maxMint(address)",
    "previewMint(uint256)",
    "mint(uint256,address)",
    "maxRedeem(address)",
    "previewRedeem(uint256)",
    "redeem(uint256,address,address)",
    "maxWithdraw(address)",
    "previewWithdraw(uint256)",
    "withdraw(uint256,address,address)",
]
INTERFACES = {
    "erc165": ([SUPPORTS], "01ffc9a7"),
    "erc7540_operator": (["setOperator(address,bool)", "isOperator(address,address)"], "e3bc4e65"),
    "erc7540_deposit": (
        [
            "requestDeposit(uint256,address,address)",
            "pendingDepositRequest(uint256,address)",
            "claimableDepositRequest(uint256,address)",
            "deposit(uint256,address,address)",
            "mint(uint256,address,address)",
        ],
        "ce3bbe50",
    ),
    "erc7540_redeem": (
        [
            "requestRedeem(uint256,address,address)",
            "pendingRedeemRequest(uint256,address)",
            "claimableRedeemRequest(uint256,address)",
        ],
        "620ee8e4",
    ),
    "erc7575_vault": (["share()", *SETTLED_SIDES], "2f0a18c5"),
    "erc7575_share": (["vault(address)"], "f815c03d"),
    "erc7887_deposit": (
        [
            "cancelDepositRequest(uint256,address)",
            "pendingCancelDepositRequest(uint256,address)",
            "claimableCancelDepositRequest(uint256,address)",
            "claimCancelDepositRequest(uint256,address,address)",
        ],
        "8bf840e3",
    ),
    "erc7887_redeem": (
        [
            "cancelRedeemRequest(uint256,address)",
            "pendingCancelRedeemRequest(uint256,address)",
            "claimableCancelRedeemRequest(uint256,address)",
            "claimCancelRedeemRequest(uint256,address,address)",
        ],
        "e76cffc7",
    ),
}


@pytest.mark.parametrize("name", INTERFACES)
def test_interface_id__of_the_signatures__is_the_published_one(name: str) -> None:
    signatures, published = INTERFACES[name]

    assert interface_id(*signatures).hex() == published


@pytest.mark.parametrize("name", INTERFACES)
def test_supports_interface__of_a_standard_it_follows__is_true(scene: Scene, name: str) -> None:
    signatures, _ = INTERFACES[name]

    assert scene.vault.ask(SUPPORTS, interface_id(*signatures), returns="bool") is True


@pytest.mark.parametrize("unknown", ["ffffffff", "00000000", "80ac58cd", "36372b07"])
def test_supports_interface__of_anything_else__is_false(scene: Scene, unknown: str) -> None:
    """0xffffffff in particular: a contract that says yes to it says yes to everything."""
    assert scene.vault.ask(SUPPORTS, bytes.fromhex(unknown), returns="bool") is False


def test_supports_interface__gas__is_below_thirty_thousand(scene: Scene) -> None:
    call = {
        "to": scene.vault.address,
        "data": "0x01ffc9a7ffffffff" + "00" * 28,
        "from": scene.alice.address,
    }

    estimate = int(scene.vault.rpc.request("eth_estimateGas", call), 16)

    assert estimate - 21_000 < 30_000
