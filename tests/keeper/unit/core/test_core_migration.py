"""States of other schemas: brought here whole, or refused with the place that does not fit."""

import msgspec
import pytest

from keeper.core import migration
from keeper.core.migration import MIGRATIONS, MigrationError, migrate
from keeper.core.state import MarketState, initial_state, state_bytes
from keeper.domain.events import SCHEMA_VERSION
from keeper.markets.book import Book
from keeper.risk.phase import Phase


def some_state() -> bytes:
    state = initial_state()
    state.run, state.markets["ETH-USD"] = 3, MarketState(book=Book(bids={5: 7}))
    return state_bytes(state)


def test_migrate__state_of_this_schema__is_the_same() -> None:
    assert state_bytes(migrate(SCHEMA_VERSION, some_state())) == some_state()


def changed(old: bytes, new: bytes) -> bytes:
    raw = some_state()
    assert raw.count(old) == 1
    return raw.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"mode":', b'"added":1,"mode":', r"\$\.added is not known"),
        (b'"mode":"live",', b"", r"\$\.mode is missing"),
        (b'"bids":{"5":7}', b'"bids":{"5":"x"}', "does not fit schema"),
        (b'"best_bid":0', b'"best_bid":0,"x":0', r"\$\.markets\.ETH-USD\.book\.x is not known"),
    ],
)
def test_migrate__state_that_does_not_fit__names_the_place(
    old: bytes, new: bytes, reason: str
) -> None:
    with pytest.raises(MigrationError, match=reason):
        migrate(SCHEMA_VERSION, changed(old, new))


def test_migrate__older_schema__passes_through_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "SCHEMA_VERSION", SCHEMA_VERSION + 2)
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION, lambda tree: tree | {"added": tree["run"] + 1})
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION + 1, lambda tree: renamed(tree))
    old = msgspec.json.decode(some_state())

    state = migrate(SCHEMA_VERSION, msgspec.json.encode(old))

    assert state.run == old["run"] + 1


def renamed(tree: migration.Tree) -> migration.Tree:
    rest = {key: value for key, value in tree.items() if key != "added"}
    return rest | {"run": tree["added"]}


def test_migrate__schema_without_a_way_here__is_refused() -> None:
    with pytest.raises(MigrationError, match="no migration leads from schema 0 to 1"):
        migrate(0, some_state())


def test_migrate__newer_schema__is_refused() -> None:
    with pytest.raises(MigrationError, match="newer than this release"):
        migrate(SCHEMA_VERSION + 1, some_state())


def test_migrate__state_of_schema_1_that_was_exiting__stays_so_without_a_cause() -> None:
    tree = msgspec.json.decode(some_state())
    tree["guard"]["phase"] = "EXITING"
    del tree["guard"]["turn"]

    guard = migrate(1, msgspec.json.encode(tree)).guard

    assert (guard.phase, guard.turn.t_ns, guard.turn.code) == (Phase.EXITING, -1, "")
