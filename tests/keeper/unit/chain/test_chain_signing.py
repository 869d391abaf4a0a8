"""Fees within the ceiling, replacements, and signed bytes read back."""

import pytest

from keeper.chain.operations import Operation
from keeper.chain.signing import (
    Envelope,
    Fees,
    GasPolicy,
    account_from_key,
    bump,
    first_fees,
    parse,
    sign,
)

POLICY = GasPolicy(
    max_fee_per_gas_wei=100,
    max_priority_fee_per_gas_wei=20,
    max_gas=1_000_000,
    bump_after_ns=10,
    confirmations=2,
)
ENVELOPE = Envelope(
    31337,
    5,
    100_000,
    Fees(10**9, 7),
    Operation("0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB", "0x1234"),
)


def test_first_fees__room__lets_the_base_fee_double() -> None:
    assert first_fees(30, 5, POLICY) == Fees(65, 5)


def test_first_fees__near_ceiling__capped() -> None:
    assert first_fees(60, 50, POLICY) == Fees(100, 20)


def test_first_fees__base_fee_above_ceiling__none() -> None:
    assert first_fees(96, 5, POLICY) is None


def test_bump__pays_an_eighth_more_rounded_up() -> None:
    assert bump(Fees(80, 9), None, POLICY) == Fees(90, 11)


def test_bump__follows_the_market_when_it_moved_further() -> None:
    assert bump(Fees(40, 4), Fees(95, 4), POLICY) == Fees(95, 5)


def test_bump__ceiling_reached__none() -> None:
    assert bump(Fees(89, 9), None, POLICY) is None
    assert bump(Fees(40, 20), None, POLICY) is None


def test_parse__own_bytes__same_envelope_and_hash() -> None:
    signed = sign(ENVELOPE, account_from_key(b"\x01" * 32))

    assert parse(signed.raw) == (ENVELOPE, signed)


def test_sign__same_envelope__same_bytes() -> None:
    account = account_from_key(b"\x01" * 32)

    assert sign(ENVELOPE, account) == sign(ENVELOPE, account)


def test_parse__legacy_transaction__refused() -> None:
    with pytest.raises(ValueError, match="EIP-1559"):
        parse("0xf86c")
