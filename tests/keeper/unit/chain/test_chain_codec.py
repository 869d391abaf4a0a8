"""Calls, answers and errors against vectors made by cast."""

import subprocess
import sys

import pytest

from keeper.chain.codec import contract, describe_revert
from keeper.chain.operations import Contracts, Operation, encode_operation, operation_of
from keeper.chain.report_calls import submission
from keeper.domain.commands import (
    Allocate,
    BurnRange,
    Claim,
    CloseEpoch,
    SubmitReport,
    SwapExactIn,
)
from keeper.domain.errors import WireError
from tests.keeper.builders import signed_report

VAULT = "0x00000000000000000000000000000000000000AA"
ADAPTER = "0x00000000000000000000000000000000000000bb"
REPORTER = "0x00000000000000000000000000000000000000cc"
ADA = "0x00000000000000000000000000000000000000dd"
CONTRACTS = Contracts(VAULT, REPORTER)


def word(value: int) -> str:
    return (value % 2**256).to_bytes(32, "big").hex()


def test_encode_operation__allocate__calls_the_vault() -> None:
    operation = encode_operation(CONTRACTS, Allocate(adapter=ADAPTER, assets=5_000_000))

    assert operation == Operation(VAULT, "0xb78b52df" + word(0xBB) + word(5_000_000))


def test_encode_operation__claims__go_to_the_vault_and_pay_the_controller() -> None:
    deposit = encode_operation(CONTRACTS, Claim(side="deposit", controller=ADA, amount=7))
    redeem = encode_operation(CONTRACTS, Claim(side="redeem", controller=ADA, amount=9))

    # deposit(uint256,address,address) and redeem(uint256,address,address)
    assert deposit == Operation(VAULT, "0x2e2d2984" + word(7) + word(0xDD) * 2)
    assert redeem == Operation(VAULT, "0xba087652" + word(9) + word(0xDD) * 2)


def test_encode_operation__report__goes_to_the_reporter_as_a_relayers_does() -> None:
    report, signatures = signed_report(epoch=3), ("0x" + "01" * 65, "0x" + "02" * 65)

    operation = encode_operation(CONTRACTS, SubmitReport(report=report, signatures=signatures))

    assert operation == operation_of(submission(REPORTER, report, signatures))
    assert operation.to == REPORTER


def test_encode_operation__burn_range__negative_ticks_sign_extended() -> None:
    command = BurnRange(
        adapter=ADAPTER,
        tick_lower=-120,
        tick_upper=60,
        liquidity=7,
        amount0_min=1,
        amount1_min=2,
        deadline=3,
    )

    operation = encode_operation(CONTRACTS, command)

    arguments = "".join(word(v) for v in (-120, 60, 7, 1, 2, 3))
    assert operation == Operation(ADAPTER, "0x253996c0" + arguments)


def test_encode_operation__swap__keeps_minimum_and_deadline() -> None:
    command = SwapExactIn(
        adapter=ADAPTER,
        zero_for_one=True,
        amount_in=1_000_000,
        amount_out_min=999,
        deadline=1_700_000_000,
    )

    operation = encode_operation(CONTRACTS, command)

    arguments = "".join(word(v) for v in (1, 1_000_000, 999, 1_700_000_000))
    assert operation == Operation(ADAPTER, "0xb76e2524" + arguments)


def test_encode_operation__close_epoch__has_no_arguments() -> None:
    operation = encode_operation(CONTRACTS, CloseEpoch(epoch=3))

    assert operation.to == VAULT
    assert len(operation.data) == 2 + 8


def test_describe_revert__typed_error__named_with_its_numbers() -> None:
    data = "0x08ca2bbf" + word(700) + word(500)

    assert describe_revert(data) == ("VenueCapExceeded", "VenueCapExceeded(700, 500)")


def test_describe_revert__unknown_selector__shows_the_data() -> None:
    assert describe_revert("0xdeadbeef") == ("Reverted", "unknown revert data 0xdeadbeef")


def test_describe_revert__string__shows_the_reason() -> None:
    data = "0x08c379a0" + word(32) + word(3) + b"STF".hex().ljust(64, "0")

    assert describe_revert(data) == ("Error", "Error(STF)")


def test_decode__short_answer__wire_error() -> None:
    with pytest.raises(WireError, match="idle"):
        contract("MarketMakingVault").function("idle").decode("0x01")


def test_decode__gate_of_an_older_release__names_the_command_that_compares() -> None:
    """In a process of its own: Ape, where it runs the tests, reads short answers leniently."""
    script = (
        "from keeper.chain.codec import contract\n"
        "from keeper.domain.errors import AthanorError\n"
        "try:\n"
        "    contract('NavReporter').function('gate').decode('0x' + '00' * 32 * 7)\n"
        "except AthanorError as error:\n"
        "    print(type(error).__name__, error, error.next_step)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stdout.startswith("WireError"), done.stderr
    assert "gate" in done.stdout
    assert "keeper addresses verify" in done.stdout
