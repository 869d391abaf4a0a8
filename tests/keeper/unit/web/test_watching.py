"""A keeper is followed through silence and restarts; its fills come from its journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Side, TimeInForce
from keeper.web.freshness import OFFLINE_AFTER_MS, STALE_AFTER_MS
from keeper.web.watching import KeeperView, Watched, Watcher
from tests.keeper.builders import ETH_PRICE, MS, ONE_ETH, SECOND, fill
from tests.keeper.live_keeper import LiveKeeper


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[LiveKeeper]:
    running = LiveKeeper(tmp_path / "journal")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(tmp_path: Path, clock: Clock) -> Iterator[Watcher]:
    watched = Watched(
        name="alpha", mode="local world", vault="0xvault", journal=tmp_path / "journal"
    )
    watching = Watcher(watched, monotonic=clock)
    yield watching
    watching.close()


def seen(watcher: Watcher) -> KeeperView:
    watcher.look()
    return watcher.view()


def test_look__a_running_keeper__is_live_with_its_status(
    keeper: LiveKeeper, watcher: Watcher
) -> None:
    view = seen(watcher)

    assert (view.freshness, view.problem) == ("live", "")
    assert view.status is not None
    assert view.status["venue_height"] == keeper.keeper.height


def test_look__no_keeper_ever__is_offline_and_says_what_to_do(watcher: Watcher) -> None:
    view = seen(watcher)

    assert (view.freshness, view.silent_ms, view.status) == ("offline", -1, None)
    assert "no keeper answers" in view.problem
    assert "keeper run" in view.next_step


def test_look__an_unmoving_venue__is_stale_though_the_keeper_answers(
    keeper: LiveKeeper, watcher: Watcher, clock: Clock
) -> None:
    seen(watcher)

    clock.now += STALE_AFTER_MS / 1_000
    view = seen(watcher)

    assert (view.freshness, view.silent_ms) == ("stale", 0)
    assert view.status is not None


def test_look__a_silent_keeper__is_stale_then_offline_then_live_again(
    keeper: LiveKeeper, watcher: Watcher, clock: Clock
) -> None:
    seen(watcher)
    keeper.stop()
    found = []
    for silence_ms in (STALE_AFTER_MS - 1, STALE_AFTER_MS, OFFLINE_AFTER_MS):
        clock.now = 100.0 + silence_ms / 1_000
        found.append(seen(watcher).freshness)

    keeper.start()
    keeper.tick(3)
    found.append(seen(watcher).freshness)

    assert found == ["live", "stale", "offline", "live"]


def test_look__fills_before_and_after_it_began__are_shown_once(
    keeper: LiveKeeper, watcher: Watcher
) -> None:
    keeper.tick(40)
    seen(watcher)
    before = len(watcher.traces.newest_fills())

    keeper.tick(40)
    seen(watcher)
    seen(watcher)

    after = len(watcher.traces.newest_fills())
    assert 0 < before < after
    assert after == len(keeper.keeper.state.account.deltas)


def test_look__a_fill_told_late__has_the_venues_time(keeper: LiveKeeper, watcher: Watcher) -> None:
    keeper.tick(3)
    core = keeper.keeper
    order = PlaceOrder(
        market="ETH-USD",
        client_id=1,
        side=Side.BUY,
        quantums=ONE_ETH,
        subticks=ETH_PRICE,
        good_til_block=core.height,
        time_in_force=TimeInForce.POST_ONLY,
        reduce_only=False,
    )
    missed_ns = core.now - 60 * SECOND
    core.feed(fill(900, order, ONE_ETH, core.height, time_ns=missed_ns))

    seen(watcher)

    assert missed_ns // MS in {point.at_ms for _, point in watcher.traces.newest_fills()}


def test_look__a_restarted_keeper__keeps_its_earlier_fills(
    keeper: LiveKeeper, watcher: Watcher
) -> None:
    keeper.tick(40)
    seen(watcher)
    before = len(watcher.traces.newest_fills())
    keeper.stop()
    keeper.start()
    keeper.tick(40)

    seen(watcher)

    assert len(watcher.traces.newest_fills()) > before


def test_look__a_damaged_journal__is_named_and_the_rest_goes_on(
    keeper: LiveKeeper, watcher: Watcher, tmp_path: Path
) -> None:
    path = next((tmp_path / "journal").glob("open-*.wal"))
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])

    view = seen(watcher)

    path.write_bytes(whole)

    assert view.freshness == "live"
    assert "cannot be followed" in view.problem
    assert "keeper journal verify" in view.next_step
