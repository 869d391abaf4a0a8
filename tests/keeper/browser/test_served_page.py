"""The served page in Chromium: live within seconds, honest when a keeper ages, quiet otherwise."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.keeper.browser.sight import DESKTOP, PHONE, Size, Watching, serious, shown
from tests.keeper.live_keeper import LiveKeeper
from tests.keeper.serving import config_in, served

SOON_MS = 10_000
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
ALPHA, BETA = "article.keeper:nth-of-type(1)", "article.keeper:nth-of-type(2)"
RECORDS = f"{ALPHA} .tile:has(.name:text-is('Log')) .value"
FRESHNESS = "[data-freshness]"


class Ticking:
    """Lets venue blocks pass until told to pause."""

    def __init__(self, keeper: LiveKeeper) -> None:
        self.keeper = keeper
        self._goes = threading.Event()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._goes.set()
        self._thread.start()

    def pause(self) -> None:
        self._goes.clear()

    def go_on(self) -> None:
        self._goes.set()

    def end(self) -> None:
        self._ends.set()
        self._goes.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ends.wait(0.2):
            self._goes.wait()
            if not self._ends.is_set():
                self.keeper.tick()


@dataclass
class Scene:
    url: str
    ticking: Ticking


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two keepers on one server: alpha ticks, beta never ran."""
    with pytest.MonkeyPatch.context() as patch:
        folder: Path = tmp_path_factory.mktemp("scene")
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        keeper = LiveKeeper(folder / "alpha" / "journal")
        keeper.start()
        ticking = Ticking(keeper)
        try:
            with served([config_in(folder / name) for name in ("alpha", "beta")]) as said:
                yield Scene(said["url"], ticking)
        finally:
            ticking.end()
            keeper.stop()


@pytest.fixture
def desk(browser: Browser, scene: Scene) -> Iterator[Watching]:
    with shown(browser, scene.url, DESKTOP) as watching:
        expect(watching.page.locator(f"{ALPHA} {FRESHNESS}")).to_have_text("live", timeout=SOON_MS)
        yield watching


@SIZES
def test_served__opened__complains_of_nothing_and_asks_this_server_alone(
    browser: Browser, scene: Scene, size: Size
) -> None:
    with shown(browser, scene.url, size) as watching:
        page = watching.page
        expect(page.locator("#connection")).to_have_text("updating", timeout=SOON_MS)
        expect(page.locator(f"{ALPHA} figure.chart")).to_have_count(4, timeout=SOON_MS)
        page.wait_for_timeout(2_500)
        watching.keep(f"served-{size[0]}")

        assert watching.complaints == []
        assert {request for request in watching.requests if not request.startswith(scene.url)} == (
            set()
        )
        assert watching.is_narrow_enough()
        assert all(length > 5 for length in watching.drawn().values())


@SIZES
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_served__read_by_axe__has_nothing_serious(
    browser: Browser, scene: Scene, size: Size, scheme: str
) -> None:
    with shown(browser, scene.url, size, scheme=scheme) as watching:
        expect(watching.page.locator(f"{ALPHA} figure.chart").first).to_be_visible(timeout=SOON_MS)

        assert serious(watching.page) == []


def test_served__keepers_state_changes__the_page_follows_without_a_reload(desk: Watching) -> None:
    desk.page.evaluate("window.sameDocument = true")
    before = desk.page.locator(RECORDS).inner_text()

    expect(desk.page.locator(RECORDS)).not_to_have_text(before, timeout=SOON_MS)

    assert desk.page.evaluate("window.sameDocument") is True


def test_served__a_keeper_that_never_ran__is_offline_with_the_next_step(desk: Watching) -> None:
    expect(desk.page.locator(f"{BETA} {FRESHNESS}")).to_have_text("offline")
    expect(desk.page.locator(BETA)).to_contain_text("keeper run")


def test_served__data_ages_and_comes_back__is_stale_and_live_again(
    desk: Watching, scene: Scene
) -> None:
    badge = desk.page.locator(f"{ALPHA} {FRESHNESS}")

    scene.ticking.pause()
    expect(badge).to_have_text("stale", timeout=SOON_MS)
    desk.keep("served-stale")
    scene.ticking.go_on()

    expect(badge).to_have_text("live", timeout=SOON_MS)


def test_served__a_chart_being_read__is_not_taken_away(desk: Watching) -> None:
    plot = desk.page.locator(f"{ALPHA} figure.chart .plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    plot.evaluate("plot => { plot.dataset.mine = 'yes'; }")
    before = desk.page.locator(RECORDS).inner_text()

    desk.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    expect(desk.page.locator(RECORDS)).not_to_have_text(before, timeout=SOON_MS)

    assert plot.get_attribute("data-mine") == "yes"
