"""The report page in Chromium, from disk: whole, quiet, readable by people and their machines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, Locator

from keeper.pages.report import write_report
from tests.keeper.browser.sample_report import sample_report
from tests.keeper.browser.sight import DESKTOP, PHONE, Size, Watching, serious, shown

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
QUOTES = "ETH-USD: our quotes around the price"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(sample_report(), path)
    return path


@pytest.fixture
def desk(browser: Browser, file: Path) -> Iterator[Watching]:
    with shown(browser, file.as_uri(), DESKTOP) as watching:
        yield watching


@SIZES
def test_report__opened_from_disk__complains_of_nothing_and_asks_for_nothing(
    browser: Browser, file: Path, size: Size
) -> None:
    with shown(browser, file.as_uri(), size) as watching:
        watching.keep(f"report-{size[0]}")

        assert watching.complaints == []
        assert watching.requests == [file.as_uri()]
        assert watching.is_narrow_enough()
        assert all(length > 15 for length in watching.drawn().values())
        assert len(watching.drawn()) == 6


@SIZES
@SCHEMES
def test_report__read_by_axe__has_nothing_serious(
    browser: Browser, file: Path, size: Size, scheme: str
) -> None:
    with shown(browser, file.as_uri(), size, scheme=scheme) as watching:
        assert serious(watching.page) == []


def test_axe__an_image_without_a_name__is_found(browser: Browser, file: Path) -> None:
    with shown(browser, file.as_uri(), DESKTOP) as watching:
        watching.page.evaluate("document.querySelector('main').append(new Image())")

        assert any(found.startswith("image-alt") for found in serious(watching.page))


def sight_of(figure: Locator) -> FloatRect:
    """Scroll a chart to where a pointer reaches it; return where its plot is."""
    figure.locator(".plot").evaluate("plot => plot.scrollIntoView({ block: 'center' })")
    box = figure.locator(".plot").bounding_box()
    assert box is not None
    return box


def test_report__pointer_on_a_chart__reads_every_line_at_that_time(desk: Watching) -> None:
    figure = desk.page.locator("figure.chart", has_text=QUOTES)
    box = sight_of(figure)

    desk.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)

    assert "UTC" in figure.locator(".at").inner_text()
    values = figure.locator(".key output").all_inner_texts()
    assert values[0].startswith("3,0")
    assert figure.locator(".cursor").is_visible()


def test_report__arrow_keys_on_a_chart__are_spoken(desk: Watching) -> None:
    plot = desk.page.locator("figure.chart", has_text=QUOTES).locator(".plot")
    plot.focus()

    desk.page.keyboard.press("Home")
    desk.page.keyboard.press("ArrowRight")
    first = plot.get_attribute("aria-valuetext")
    desk.page.keyboard.press("ArrowRight")

    assert plot.get_attribute("role") == "slider"
    assert first is not None
    assert "oracle 2,999.281782" in first
    assert plot.get_attribute("aria-valuetext") != first


def test_report__a_drag_on_a_chart__zooms_and_a_button_shows_all_again(desk: Watching) -> None:
    figure = desk.page.locator("figure.chart", has_text=QUOTES)
    drawing, box = figure.locator(".drawing"), sight_of(figure)
    whole = drawing.get_attribute("viewBox")

    desk.page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 60)
    desk.page.mouse.down()
    desk.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 90)
    desk.page.mouse.up()
    closer = drawing.get_attribute("viewBox")
    figure.get_by_role("button", name="Show all").click()

    assert closer != whole
    assert drawing.get_attribute("viewBox") == whole


def test_report__theme_button__turns_the_page_dark(desk: Watching) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    before = desk.page.evaluate(ground)

    desk.page.get_by_role("button", name="Switch between light and dark").click()

    assert desk.page.evaluate(ground) != before


def test_report__without_scripts__shows_all_the_same(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())

    assert page.locator("path.line").count() > 5
    assert page.locator(".marks text").count() > 10
    context.close()
