"""Keys: from a variable, a file, a keystore or a mnemonic; never shown."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest
from bech32 import bech32_encode, convertbits
from coincurve import PrivateKey
from Crypto.Hash import RIPEMD160

from keeper.config.secrets import KeyUnavailable, Secret, private_key_of, read_key, read_variable
from keeper.config.sections.keys import Key

ADDRESS = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"
KEY = "0x" + "11" * 32
MNEMONIC = (
    "merge panther lobster crazy road hollow amused security before critic about cliff "
    "exhibit cause coyote talent happy where lion river tobacco option coconut small"
)


def test_secret__printed__shows_nothing() -> None:
    assert KEY not in f"{Secret(KEY)} {Secret(KEY)!r}"


def test_secret__pickled__is_refused() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(KEY))


def test_read_variable__value_set__is_read() -> None:
    assert read_variable("K", {"K": f"{KEY}\n"}).reveal() == KEY


def test_read_variable__file_named__is_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")

    assert read_variable("K", {"K_FILE": str(file)}).reveal() == KEY


@pytest.mark.parametrize(
    "environ", [{}, {"K": " "}, {"K": "a", "K_FILE": "b"}, {"K_FILE": "/nowhere"}]
)
def test_read_variable__absent_or_ambiguous__is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(KeyUnavailable):
        read_variable("K", environ)


def test_read_key__keystore__opens_with_its_password(tmp_path: Path) -> None:
    from eth_keyfile import create_keyfile_json

    body = create_keyfile_json(bytes.fromhex(KEY[2:]), "pässword".encode(), kdf="pbkdf2")
    (tmp_path / "k.json").write_text(json.dumps(body))
    key = Key(keystore_file="k.json", password_env="P")

    secret = read_key(key, "keeper", environ={"P": "pässword"}, folder=tmp_path)

    assert private_key_of(secret, "keeper") == bytes.fromhex(KEY[2:])
    with pytest.raises(KeyUnavailable, match="does not open"):
        read_key(key, "keeper", environ={"P": "other"}, folder=tmp_path)


def test_read_key__role_not_configured__names_the_section() -> None:
    with pytest.raises(KeyUnavailable) as caught:
        read_key(None, "reporter", environ={}, folder=Path("/"))

    assert "[keys.reporter]" in caught.value.next_step


def test_private_key_of__official_test_mnemonic__gives_its_dydx_key() -> None:
    key = private_key_of(Secret(MNEMONIC), "venue")

    public = PrivateKey(key).public_key.format()
    digest = RIPEMD160.new(hashlib.sha256(public).digest()).digest()
    assert bech32_encode("dydx", convertbits(digest, 8, 5)) == ADDRESS


def test_private_key_of__mnemonic_for_the_evm__uses_the_ethereum_path() -> None:
    secret = Secret("test test test test test test test test test test test junk")

    key = private_key_of(secret, "keeper")

    assert key.hex() == "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@pytest.mark.parametrize("text", ["", "0x12", "zz" * 32, "00" * 32, "ff" * 32, "one two " * 6])
def test_private_key_of__not_a_key__is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        private_key_of(Secret(text), "venue")

    assert not text or text not in str(caught.value)
