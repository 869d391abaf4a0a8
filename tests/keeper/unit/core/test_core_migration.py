"""States of other schemas: brought here whole, or refused with the place that does not fit."""

from pathlib import Path

import msgspec
import pytest

from keeper.core import migration
from keeper.core.migration import MIGRATIONS, MigrationError, migrate
from keeper.core.state import MarketState, initial_state, state_bytes
from keeper.domain.events import SCHEMA_VERSION
from keeper.markets.book import Book
from keeper.risk.phase import Phase

EXITING = Phase.EXITING
SCHEMA_1 = Path(__file__).with_name("schema_1_state.json")


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


def test_migrate__state_of_schema_1__goes_on_exiting_with_all_it_held() -> None:
    """The bytes are those that the last release of schema 1 wrote."""
    raw = SCHEMA_1.read_bytes().strip()

    state = migrate(1, raw)

    assert (state.guard.phase, state.guard.turn.t_ns, state.guard.turn.code) == (EXITING, -1, "")
    assert state.markets["ETH-USD"].paused
    assert {order.changed_ns for order in state.orders.working.values()} == {-1}
    assert state.markets["ETH-USD"].traffic.total.orders == 0
    assert state.pools["0xpool-adapter"].base_high == state.pools["0xpool-adapter"].base > 0
    assert state.account.positions["ETH-USD"].quantums == 10**9
    assert state.settings is not None
    assert state.settings.limits.daily_loss_quote_quantums == 5_000_000_000
    assert state.settings.limits.loss_window_quote_quantums == 0
