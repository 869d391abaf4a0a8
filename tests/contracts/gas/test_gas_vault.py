"""What each call of a depositor, keeper and reporter costs, and that a crowd costs no more."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from tests.contracts.conftest import SIGNERS
from tests.contracts.gas.meter import Meter, by_make_gas_alone
from tests.contracts.rpc import Rpc
from tests.contracts.system import Report, System

NOISE_PERCENT = 1
TRANSACTION_LIMIT = 16_777_216
FOREVER = 2**64
FIRST = 10**9  # as an address, the first controller of a crowd


def test_depositor__on_the_way_in__costs_what_the_page_says(
    system: System, alice: Any, gas: Meter
) -> None:
    vault, unit, share = system.vault, system.unit, system.share
    gas.knows_system(system)
    system.seed(system.users[5], 1_000 * unit)
    system.fund(alice, 200 * unit)

    gas(vault.requestDeposit(20 * unit, alice, alice, sender=alice), "first")
    gas(vault.requestDeposit(unit, alice, alice, sender=alice), "again before the cut")
    gas(vault.cancelDepositRequest(0, alice, sender=alice))
    gas(vault.claimCancelDepositRequest(0, alice, alice, sender=alice))
    vault.requestDeposit(80 * unit, alice, alice, sender=alice)
    system.settle()
    gas(vault.mint(share, alice, alice, sender=alice), "first shares of the receiver")
    gas(vault.mint(share, alice, sender=alice))
    gas(vault.deposit(unit, alice, sender=alice), "a part")
    gas(vault.deposit(vault.maxDeposit(alice), alice, alice, sender=alice), "the rest")

    assert gas.away() == {}


def test_depositor__on_the_way_out__costs_what_the_page_says(
    system: System, alice: Any, bob: Any, gas: Meter
) -> None:
    vault, unit, share = system.vault, system.unit, system.share
    gas.knows_system(system)
    system.seed(alice, 1_000 * unit)

    gas(vault.setOperator(bob, True, sender=alice))
    gas(vault.approve(bob, 5 * share, sender=alice))
    gas(vault.transferFrom(alice, bob, share, sender=bob))
    gas(vault.transfer(system.users[4], share, sender=alice), "to who had none")
    gas(vault.requestRedeem(4 * share, alice, alice, sender=alice), "first")
    gas(vault.cancelRedeemRequest(0, alice, sender=alice))
    gas(vault.claimCancelRedeemRequest(0, alice, alice, sender=alice))
    system.request_redeem(alice, 10 * share)
    system.settle()
    gas(vault.withdraw(unit, alice, alice, sender=alice), "a part")
    gas(vault.redeem(vault.maxRedeem(alice), alice, alice, sender=alice), "the rest")

    assert gas.away() == {}


@by_make_gas_alone
def test_permit__of_a_holder__costs_what_the_page_says(
    system: System, alice: Any, gas: Meter
) -> None:
    gas.knows_system(system)
    holder = Account.from_key((777).to_bytes(32, "big"))
    names = ("owner", "spender", "value", "nonce", "deadline")
    kinds = ("address", "address", "uint256", "uint256", "uint256")
    given = (holder.address, alice.address, system.share)
    document = {
        "types": {"Permit": [{"name": n, "type": k} for n, k in zip(names, kinds, strict=True)]},
        "primaryType": "Permit",
        "domain": {
            "name": "Athanor USDC",
            "version": "1",
            "chainId": system.chain.provider.chain_id,
            "verifyingContract": system.vault.address,
        },
        "message": dict(zip(names, (*given, 0, FOREVER), strict=True)),
    }
    signed = Account.sign_message(encode_typed_data(full_message=document), holder.key)
    parts = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))

    gas(system.vault.permit(*given, FOREVER, *parts, sender=alice))

    assert gas.away() == {}


def test_round_trip__request_claim_request_claim__costs_what_the_page_says(
    system: System, alice: Any, gas: Meter
) -> None:
    vault, amount = system.vault, 100 * system.unit
    system.seed(system.users[5], 1_000 * system.unit)
    system.fund(alice, amount)

    spent = [vault.requestDeposit(amount, alice, alice, sender=alice)]
    system.settle()
    spent.append(vault.deposit(amount, alice, alice, sender=alice))
    spent.append(vault.requestRedeem(vault.balanceOf(alice), alice, alice, sender=alice))
    system.settle()
    spent.append(vault.redeem(vault.maxRedeem(alice), alice, alice, sender=alice))

    used = sum(int(receipt.gas_used) for receipt in spent)
    gas.special("Round trip", "a depositor's four transactions together", used)
    assert gas.away() == {}


def test_keeper_and_reporters__every_day__costs_what_the_page_says(
    system: System, gas: Meter
) -> None:
    vault, unit = system.vault, system.unit
    gas.knows_system(system)
    system.seed(system.users[0], 1_000 * unit)

    gas(vault.allocate(system.pool, 300 * unit, sender=system.keeper), "to a double of a leg")
    gas(vault.deallocate(system.pool, 100 * unit, sender=system.keeper), "from a double of a leg")
    gas(system.cut(), "two doubles of legs")
    quiet = gas(system.submit(system.report()), "2 of 3, both queues empty")
    system.request_deposit(system.users[1], 10 * unit)
    system.request_redeem(system.users[0], 10 * system.share)
    busy = gas(system.settle(), "2 of 3, both sides filled")
    system.cut()
    gas(system.nav.object(sender=system.guardian))
    system.gain(100 * unit)
    gas(system.settle(), "2 of 3, a gain into the slot")
    gas(system.nav.vetoSlot(sender=system.acting(system.signers[0])))

    gas.special("Reports", "signed 2 of 3, both queues empty", quiet)
    gas.special("Reports", "signed 2 of 3, both sides filled", busy)
    assert gas.away() == {}


@by_make_gas_alone
def test_submit_report__five_of_nine__costs_what_the_page_says(system: System, gas: Meter) -> None:
    gas.knows_system(system)
    more = [Account.from_key(number.to_bytes(32, "big")) for number in range(201, 205)]
    signers = [*SIGNERS, *more]
    system.seed(system.users[0], 1_000 * system.unit)
    gas(system.nav.setReporters([key.address for key in signers], 5, sender=system.owner), "nine")
    system.cut()
    report = system.report()

    used = gas(system.submit(report, system.sign(report, signers[:5])), "5 of 9, both queues empty")

    gas.special("Reports", "signed 5 of 9, both queues empty", used)
    assert gas.away() == {}


@by_make_gas_alone
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_close_epoch__by_adapters__costs_what_the_page_says(
    deploy_system: Callable[..., System], gas: Meter, count: int
) -> None:
    """Doubles of legs, one of two or three attested; not the first cut."""
    system = deploy_system(legs=count)
    gas.knows_system(system)
    for _ in range(2):
        system.cut()
        system.submit(_report(system))

    used = gas(system.cut(), f"{count} doubles of legs")

    gas.special("Cuts", f"`closeEpoch`, doubles of adapters: {count}", used)
    assert gas.away() == {}


def _report(system: System) -> Report:
    """An honest report, also where no leg is attested."""
    if system.legs.attested():
        return system.report()
    epoch, last = system.vault.cut().epoch, bytes(system.nav.lastReportHash())
    return Report(epoch, system.nav.setId(), last, ())


@by_make_gas_alone
def test_settlement__one_hundred_or_ten_thousand_requests__costs_the_same(
    system: System, project: Any, gas: Meter
) -> None:
    """Each request has a controller of its own; a contract sends a hundred in a transaction."""
    crowd = system.deployer.deploy(project.Crowd, system.vault)
    system.token.mint(crowd, 50_000 * system.unit, sender=system.deployer)
    crowd.requestDeposits(int(crowd.address, 16), 1, 20_000 * system.unit, sender=system.deployer)
    system.settle()
    crowd.claim(sender=system.deployer)
    rpc, figures, settled = Rpc(system.chain), {}, replace(system)

    for count in (1, 100, 10_000):
        snapshot = rpc.request("evm_snapshot")
        _request_many(system, crowd, rpc, count)
        figures[count] = int(replace(settled).settle().gas_used)
        _assert_all_filled(system, count)
        rpc.request("evm_revert", snapshot)

    least, most = min(figures.values()), max(figures.values())
    assert most * 100 <= least * (100 + NOISE_PERCENT)
    for count, used in figures.items():
        gas.special("Settlement", f"{count:,} deposits and as many redemptions", used)
    assert gas.away() == {}


def _assert_all_filled(system: System, count: int) -> None:
    """Every controller can claim; the first, the last and one between are asked."""
    vault = system.vault
    for number in {FIRST, FIRST + count // 2, FIRST + count - 1}:
        controller = "0x" + number.to_bytes(20, "big").hex()
        assert vault.maxDeposit(controller) == system.unit
        assert vault.maxRedeem(controller) == system.share


def _request_many(system: System, crowd: Any, rpc: Rpc, count: int) -> None:
    batch = min(count, 100)
    for first in range(0, count, batch):
        for method, amount in (
            (crowd.requestDeposits, system.unit),
            (crowd.requestRedeems, system.share),
        ):
            data = "0x" + bytes(method.encode_input(FIRST + first, batch, amount)).hex()
            call = {
                "from": system.deployer.address,
                "to": crowd.address,
                "data": data,
                "gas": hex(TRANSACTION_LIMIT),
            }
            receipt = rpc.request("eth_sendTransactionSync", call)
            assert receipt["status"] == "0x1"


@by_make_gas_alone
@pytest.mark.parametrize("epochs", [1, 100])
def test_redeem__after_carried_epochs__costs_what_the_page_says(
    system: System, alice: Any, gas: Meter, epochs: int
) -> None:
    """Every epoch fills a part of one request; one claim takes it all."""
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 900 * system.unit, sender=system.keeper)
    system.request_redeem(alice, 900 * system.share)
    for _ in range(epochs):
        system.vault.deallocate(system.pool, 2 * system.unit, sender=system.keeper)
        system.settle()
    assert system.vault.pendingRedeemRequest(0, alice) > 0

    claim = system.vault.redeem(system.vault.maxRedeem(alice), alice, alice, sender=alice)

    what = f"`redeem` after {epochs} partial fill{'s' * (epochs > 1)}"
    gas.special("Claims", what, int(claim.gas_used))
    assert gas.away() == {}
