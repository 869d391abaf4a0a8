"""ERC-2612 on the share: an allowance by signature, once, for this vault, before its deadline."""

from collections.abc import Callable
from typing import Any

import ape
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from tests.contracts.system import DAY, System

HOLDER = Account.from_key((777).to_bytes(32, "big"))
FOREVER = 2**64


@pytest.fixture
def permit(system: System) -> Callable[..., tuple[Any, ...]]:
    """Signs an allowance of the holder; a changed domain or signer makes another signature."""

    def sign(
        spender: Any,
        shares: int,
        deadline: int = FOREVER,
        signer: Any = HOLDER,
        **domain: Any,
    ) -> tuple[Any, ...]:
        names = ("owner", "spender", "value", "nonce", "deadline")
        types = ("address", "address", "uint256", "uint256", "uint256")
        values = (HOLDER.address, spender.address, shares, nonce(system), deadline)
        document = {
            "types": {
                "Permit": [{"name": n, "type": t} for n, t in zip(names, types, strict=True)]
            },
            "primaryType": "Permit",
            "domain": {
                "name": "Athanor USDC",
                "version": "1",
                "chainId": system.chain.provider.chain_id,
                "verifyingContract": system.vault.address,
            }
            | domain,
            "message": dict(zip(names, values, strict=True)),
        }
        signed = Account.sign_message(encode_typed_data(full_message=document), signer.key)
        parts = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
        return (HOLDER.address, spender, shares, deadline, *parts)

    return sign


def nonce(system: System) -> int:
    return int(system.vault.nonces(HOLDER.address))


def test_permit__then_request_by_the_spender__redeems_the_holders_shares(
    system: System, alice: Any, bob: Any, permit: Any
) -> None:
    """The holder sends nothing: it needs no ether."""
    system.seed(alice, 100 * system.unit)
    system.vault.transfer(HOLDER.address, 60 * system.share, sender=alice)

    receipt = system.vault.permit(*permit(bob, 50 * system.share), sender=bob)
    system.vault.requestRedeem(50 * system.share, HOLDER.address, HOLDER.address, sender=bob)

    assert receipt.events == [
        system.vault.Approval(owner=HOLDER.address, spender=bob, value=50 * system.share)
    ]
    assert system.vault.pendingRedeemRequest(0, HOLDER.address) == 50 * system.share
    assert system.vault.allowance(HOLDER.address, bob) == 0
    assert nonce(system) == 1


def test_permit__replayed__reverts(system: System, bob: Any, permit: Any) -> None:
    signed = permit(bob, system.share)
    system.vault.permit(*signed, sender=bob)

    with ape.reverts(system.vault.ERC2612InvalidSigner):
        system.vault.permit(*signed, sender=bob)


def test_permit__after_its_deadline__reverts(system: System, bob: Any, permit: Any) -> None:
    deadline = system.chain.pending_timestamp + DAY
    signed = permit(bob, system.share, deadline)
    system.wait(DAY + 1)

    with ape.reverts(system.vault.ERC2612ExpiredSignature, deadline=deadline):
        system.vault.permit(*signed, sender=bob)


@pytest.mark.parametrize(
    "other",
    [
        {"chainId": 1},
        {"verifyingContract": "0x" + "11" * 20},
        {"name": "Athanor NavReporter"},
        {"version": "2"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_permit__of_another_domain__reverts(
    system: System, bob: Any, permit: Any, other: dict[str, Any]
) -> None:
    with ape.reverts(system.vault.ERC2612InvalidSigner):
        system.vault.permit(*permit(bob, system.share, **other), sender=bob)


def test_permit__signed_by_another__reverts(system: System, bob: Any, permit: Any) -> None:
    stranger = Account.from_key((778).to_bytes(32, "big"))

    with ape.reverts(system.vault.ERC2612InvalidSigner):
        system.vault.permit(*permit(bob, system.share, signer=stranger), sender=bob)


def test_domain__of_the_share__is_what_wallets_are_told(system: System) -> None:
    domain = system.vault.eip712Domain()

    assert (domain.name, domain.version) == ("Athanor USDC", "1")
    assert (domain.chainId, domain.verifyingContract) == (
        system.chain.provider.chain_id,
        system.vault.address,
    )
