"""Keystores: opened by the keeper with their password, private, never overwritten, no vanity."""

import json
import stat
from pathlib import Path

import pytest

from keeper.config import keystores
from keeper.config.keystores import Identity, Keystores, default_folder, identity_of, vanity_of
from keeper.config.secrets import KeyUnavailable, Secret, private_key_of, read_key
from keeper.config.sections.keys import Key

PASSWORD = "correct horse battery"
ONE = (1).to_bytes(32, "big")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs nothing here."""
    monkeypatch.setattr(keystores, "SCRYPT_COST", 2)


@pytest.fixture
def store(tmp_path: Path) -> Keystores:
    return Keystores(tmp_path / "keys")


def opened(file: Path, password: str) -> bytes:
    """Read a keystore as `keeper run` does."""
    key = Key(keystore_file=str(file), password_env="P")
    secret = read_key(key, "keeper", environ={"P": password}, folder=Path("/"))
    return private_key_of(secret, "keeper")


def test_add__opened_by_the_keeper__is_the_key_of_the_addresses(store: Keystores) -> None:
    made = store.add("hot", Secret(PASSWORD))

    key = opened(made.file, PASSWORD)

    assert identity_of(key) == made.identity
    assert store.find("hot") == made
    assert (made.name, made.state) == ("hot", "active")


def test_add__files__are_the_users_alone_and_hold_no_key(store: Keystores) -> None:
    made = store.add("hot", Secret(PASSWORD))

    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    text = made.file.read_text()
    assert opened(made.file, PASSWORD).hex() not in text
    assert PASSWORD not in text
    assert json.loads(text)["version"] == 3


def test_add__twice__two_different_keys(store: Keystores) -> None:
    made = [store.add(name, Secret(PASSWORD)) for name in ("a", "b")]

    assert made[0].identity != made[1].identity


def test_add__name_taken__refused_and_the_file_is_as_it_was(store: Keystores) -> None:
    made = store.add("hot", Secret(PASSWORD))
    before = made.file.read_bytes()

    with pytest.raises(KeyUnavailable, match="never overwritten"):
        store.add("hot", Secret(PASSWORD))

    assert made.file.read_bytes() == before


@pytest.mark.parametrize("name", ["", "Hot", "../hot", "hot.next", "a b", "-x", "x" * 33])
def test_add__no_name_for_a_key__refused(store: Keystores, name: str) -> None:
    with pytest.raises(KeyUnavailable, match="no name for a key"):
        store.add(name, Secret(PASSWORD))


def test_add__short_password__refused_before_anything_is_written(store: Keystores) -> None:
    with pytest.raises(KeyUnavailable, match="fewer than 12"):
        store.add("hot", Secret("elevenchars"))

    assert not store.folder.exists()


def test_put__known_key__has_its_known_addresses(store: Keystores) -> None:
    made = store.put("hot", ONE, Secret(PASSWORD))

    assert made.identity.evm_address == "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
    assert opened(made.file, PASSWORD) == ONE


@pytest.mark.parametrize(
    ("evm", "dydx", "refused"),
    [
        ("0x000000" + "1a" * 17, "dydx1" + "qp" * 19, True),
        ("0x00000" + "1a" * 17 + "b", "dydx1" + "qp" * 19, False),
        ("0x" + "1a" * 17 + "dDDddd", "dydx1" + "qp" * 19, True),
        ("0x" + "1a" * 20, "dydx1" + "qqqqq" + "zp" * 17, True),
        ("0x" + "1a" * 20, "dydx1" + "qqqq" + "zp" * 17, False),
        ("0x" + "1a" * 20, "dydx1" + "zp" * 14 + "qqqqq" + "abcdef", True),
        ("0x" + "1a" * 20, "dydx1" + "zp" * 16 + "qqqqqq", False),
    ],
)
def test_vanity_of__runs_at_either_end__are_named(evm: str, dydx: str, refused: bool) -> None:
    assert bool(vanity_of(Identity(evm, dydx, ""))) == refused


def test_put__vanity_address__refused(store: Keystores, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Identity("0x" + "0" * 8 + "1a" * 16, "dydx1" + "qp" * 19, "")
    monkeypatch.setattr(keystores, "identity_of", lambda _: found)

    with pytest.raises(KeyUnavailable, match="vanity"):
        store.put("hot", ONE, Secret(PASSWORD))

    assert not store.folder.exists()


def test_add__draw_that_looks_searched_for__is_drawn_again(
    store: Keystores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zero key and one beyond the curve's order are no keys; of the rest the first fits."""
    draws = iter([bytes(32), b"\xff" * 32, ONE])
    monkeypatch.setattr(keystores.secrets, "token_bytes", lambda _: next(draws))

    made = store.add("hot", Secret(PASSWORD))

    assert made.identity == identity_of(ONE)


def test_rotate__prepared_and_activated__swaps_and_keeps_the_old(store: Keystores) -> None:
    old = store.add("hot", Secret(PASSWORD))
    prepared = store.prepare("hot", Secret("another password"))
    assert store.find("hot") == old

    new, retired = store.activate("hot")

    assert new.identity == prepared.identity
    assert opened(new.file, "another password")
    assert retired.identity == old.identity
    assert opened(retired.file, PASSWORD)
    states = {(entry.name, entry.state) for entry in store.all()}
    assert states == {("hot", "active"), ("hot", "retired")}


def test_prepare__nothing_to_follow__refused(store: Keystores) -> None:
    with pytest.raises(KeyUnavailable, match="no keystore hot"):
        store.prepare("hot", Secret(PASSWORD))


def test_activate__nothing_prepared__refused_and_nothing_moved(store: Keystores) -> None:
    old = store.add("hot", Secret(PASSWORD))

    with pytest.raises(KeyUnavailable, match="no key is prepared"):
        store.activate("hot")

    assert list(store.all()) == [old]


def test_all__foreign_file__is_named(store: Keystores) -> None:
    store.add("hot", Secret(PASSWORD))
    (store.folder / "other.json").write_text("{}")

    with pytest.raises(KeyUnavailable, match=r"other\.json is no keystore of ours"):
        list(store.all())


def test_default_folder__is_below_the_users_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")

    assert default_folder() == Path("/somewhere/athanor-keeper/keystores")
