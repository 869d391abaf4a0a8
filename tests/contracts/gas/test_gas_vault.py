"""What each call of a vault, its reporter and its end costs, and that a crowd costs no more."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account

from tests.contracts.conftest import SIGNERS
from tests.contracts.gas.conftest import Record
from tests.contracts.gas.table import WRITING, gas_of, settle
from tests.contracts.rpc import Rpc
from tests.contracts.system import System

NOISE_PERCENT = 1
SLOW = pytest.mark.skipif(not WRITING, reason="takes minutes: make gas")
TRANSACTION_LIMIT = 16_777_216


def test_depositor__every_call__costs_what_the_table_says(
    system: System, alice: Any, record: Record
) -> None:
    vault, unit, share = system.vault, system.unit, system.share
    system.seed(system.users[5], 1_000 * unit)
    system.fund(alice, 100 * unit)

    def deposit(assets: int) -> int:
        return gas_of(vault.requestDeposit(assets, alice, alice, sender=alice))

    first = {"requestDeposit, first": deposit(20 * unit), "requestDeposit, again": deposit(unit)}
    cancel = {
        "cancelDepositRequest": gas_of(vault.cancelDepositRequest(0, alice, sender=alice)),
        "claimCancelDepositRequest": gas_of(
            vault.claimCancelDepositRequest(0, alice, alice, sender=alice)
        ),
    }
    deposit(40 * unit)
    system.settle()
    mint = gas_of(vault.mint(share, alice, alice, sender=alice))
    claim = gas_of(vault.deposit(vault.maxDeposit(alice), alice, sender=alice))
    leave = gas_of(vault.requestRedeem(4 * share, alice, alice, sender=alice))
    back = {
        "requestRedeem": leave,
        "cancelRedeemRequest": gas_of(vault.cancelRedeemRequest(0, alice, sender=alice)),
        "claimCancelRedeemRequest": gas_of(
            vault.claimCancelRedeemRequest(0, alice, alice, sender=alice)
        ),
    }
    system.request_redeem(alice, 10 * share)
    system.settle()
    withdraw = gas_of(vault.withdraw(unit, alice, alice, sender=alice))
    redeem = gas_of(vault.redeem(vault.maxRedeem(alice), alice, alice, sender=alice))
    claims = {"deposit": claim, "mint": mint, "redeem": redeem, "withdraw": withdraw}
    operator = gas_of(vault.setOperator(system.users[1], True, sender=alice))

    record("Depositor", {**first, **cancel, **claims, **back, "setOperator": operator})


def test_round_trip__request_claim_request_claim__costs_what_the_table_says(
    system: System, alice: Any, record: Record
) -> None:
    vault, amount = system.vault, 100 * system.unit
    system.seed(system.users[5], 1_000 * system.unit)
    system.fund(alice, amount)

    spent = gas_of(vault.requestDeposit(amount, alice, alice, sender=alice))
    system.settle()
    spent += gas_of(vault.deposit(amount, alice, sender=alice))
    spent += gas_of(vault.requestRedeem(vault.balanceOf(alice), alice, alice, sender=alice))
    system.settle()
    spent += gas_of(vault.redeem(vault.maxRedeem(alice), alice, alice, sender=alice))

    record("Depositor", {"round trip: request, claim, request, claim": spent})


def test_keeper_and_reporters__every_call__costs_what_the_table_says(
    system: System, record: Record
) -> None:
    vault, unit = system.vault, system.unit
    system.seed(system.users[0], 1_000 * unit)
    allocate = gas_of(vault.allocate(system.pool, 300 * unit, sender=system.keeper))
    deallocate = gas_of(vault.deallocate(system.pool, 100 * unit, sender=system.keeper))
    cut = gas_of(system.cut())
    quiet = gas_of(system.submit(system.report()))
    system.request_deposit(system.users[1], 10 * unit)
    system.request_redeem(system.users[0], 10 * system.share)
    busy = settle(system)
    system.cut()
    objection = gas_of(system.nav.object(sender=system.guardian))
    system.gain(100 * unit)
    system.settle()
    veto = gas_of(system.nav.vetoSlot(sender=system.acting(system.signers[0])))

    record(
        "Keeper and reporters",
        {
            "allocate": allocate,
            "deallocate": deallocate,
            "closeEpoch, two adapters": cut,
            "submitReport 2 of 3, both queues empty": quiet,
            "submitReport 2 of 3, both sides filled": busy,
            "object": objection,
            "vetoSlot": veto,
        },
    )


def test_submit_report__five_of_nine__costs_what_the_table_says(
    system: System, record: Record
) -> None:
    signers = [*SIGNERS, *_more_signers(4)]
    addresses = [key.address for key in signers]
    system.seed(system.users[0], 1_000 * system.unit)
    system.nav.setReporters(addresses, 5, sender=system.owner)
    system.cut()

    report = system.report()
    gas = gas_of(system.submit(report, system.sign(report, signers[:5])))

    record("Keeper and reporters", {"submitReport 5 of 9, both queues empty": gas})


def _more_signers(count: int) -> list[Any]:
    return [Account.from_key(number.to_bytes(32, "big")) for number in range(201, 201 + count)]


def test_wind_down__every_call__costs_what_the_table_says(
    system: System, alice: Any, record: Record
) -> None:
    system.seed(alice, 1_000 * system.unit)
    end, token = system.end, system.token

    start = gas_of(end.startImpaired(sender=system.guardian))
    collect = gas_of(end.collect(system.vault, token, sender=alice))
    exit_ = gas_of(end.exit(system.vault.balanceOf(alice), sender=alice))
    claim = gas_of(end.claim(token, sender=alice))

    figures = {"startImpaired": start, "collect": collect, "exit": exit_, "claim": claim}
    record("Wind-down", figures)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_close_epoch__by_adapters__costs_what_the_table_says(
    deploy_system: Callable[..., System], record: Record, count: int
) -> None:
    system = deploy_system(legs=count)

    record("closeEpoch", {f"closeEpoch, first, {count} adapters": gas_of(system.cut())})


@SLOW
def test_settlement__one_hundred_or_ten_thousand_requests__costs_the_same(
    system: System, project: Any, record: Record
) -> None:
    crowd = system.deployer.deploy(project.Crowd, system.vault)
    system.token.mint(crowd, 50_000 * system.unit, sender=system.deployer)
    crowd.requestDeposits(int(crowd.address, 16), 1, 20_000 * system.unit, sender=system.deployer)
    system.settle()
    crowd.claim(sender=system.deployer)
    rpc, figures = Rpc(system.chain), {}

    for count in (1, 100, 10_000):
        snapshot = rpc.request("evm_snapshot")
        _request_many(system, crowd, rpc, count)
        figures[f"submitReport settling {count:,} deposits and {count:,} redemptions"] = settle(
            system
        )
        rpc.request("evm_revert", snapshot)

    least, most = min(figures.values()), max(figures.values())
    assert most * 100 <= least * (100 + NOISE_PERCENT)
    record("Settlement", figures)


def _request_many(system: System, crowd: Any, rpc: Rpc, count: int) -> None:
    batch = min(count, 100)
    for first in range(0, count, batch):
        for method, amount in (
            (crowd.requestDeposits, system.unit),
            (crowd.requestRedeems, system.share),
        ):
            data = "0x" + bytes(method.encode_input(10**9 + first, batch, amount)).hex()
            call = {
                "from": system.deployer.address,
                "to": crowd.address,
                "data": data,
                "gas": hex(TRANSACTION_LIMIT),
            }
            receipt = rpc.request("eth_sendTransactionSync", call)
            assert receipt["status"] == "0x1"


@SLOW
@pytest.mark.parametrize("epochs", [1, 100])
def test_redeem__after_carried_epochs__costs_the_same(
    system: System, alice: Any, record: Record, epochs: int
) -> None:
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 900 * system.unit, sender=system.keeper)
    system.request_redeem(alice, 900 * system.share)

    for _ in range(epochs):
        system.vault.deallocate(system.pool, 2 * system.unit, sender=system.keeper)
        system.settle()

    claim = system.vault.redeem(system.vault.maxRedeem(alice), alice, alice, sender=alice)
    record("Claims", {f"redeem after {epochs} partial fills": gas_of(claim)})
