"""Keys, their masking, and addresses; vectors are the chain's public test accounts."""

import asyncio
import hashlib
import pickle

import pytest
from coincurve import PublicKey

from keeper.domain.errors import ConfigError
from keeper.venues.dydx.keys import (
    LocalSigner,
    SecretKey,
    address_of,
    check_address,
    key_from_mnemonic,
)

ALICE = (
    "merge panther lobster crazy road hollow amused security before critic about cliff exhibit "
    "cause coyote talent happy where lion river tobacco option coconut small"
)
ALICE_ADDRESS = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_key_from_mnemonic__public_test_account__has_its_known_address() -> None:
    signer = LocalSigner(key_from_mnemonic(ALICE))

    assert address_of(signer.public_key) == ALICE_ADDRESS


def test_key_from_mnemonic__not_a_phrase__config_error_without_the_words() -> None:
    with pytest.raises(ConfigError) as caught:
        key_from_mnemonic("correct horse battery staple")

    assert "horse" not in str(caught.value) + str(caught.value.__cause__)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "value", [b"", b"\x01" * 31, b"\x01" * 33, bytes(32), ORDER.to_bytes(32, "big")]
)
def test_secret_key__no_key_of_the_curve__config_error(value: bytes) -> None:
    with pytest.raises(ConfigError, match="32 bytes"):
        SecretKey(value)


def test_secret_key__shown_or_pickled__is_masked() -> None:
    secret = SecretKey(b"\x17" * 32)

    assert "17" not in repr(secret) + str(secret) + f"{secret}" + repr(LocalSigner(secret))
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_sign__any_message__64_bytes_low_s_deterministic_and_verified() -> None:
    signer = LocalSigner(SecretKey(b"\x17" * 32))

    signature = asyncio.run(signer.sign(b"message"))

    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    assert len(signature) == 64
    assert s <= ORDER // 2
    assert signature == asyncio.run(signer.sign(b"message"))
    der = _der(r) + _der(s)
    digest = hashlib.sha256(b"message").digest()
    encoded = b"\x30" + bytes([len(der)]) + der
    assert PublicKey(signer.public_key).verify(encoded, digest, hasher=None)


def _der(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(body)]) + body


def test_check_address__well_formed__returned() -> None:
    assert check_address(ALICE_ADDRESS) == ALICE_ADDRESS


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dydx1",
        ALICE_ADDRESS[:-1] + "5",
        "cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh",
        "0x" + "00" * 20,
    ],
)
def test_check_address__malformed__config_error(address: str) -> None:
    with pytest.raises(ConfigError, match="dydx1"):
        check_address(address)
