"""The page of rules on a tape in Chromium: quiet, narrow enough, readable by people and axe."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from keeper.pages.comparison import write_comparison
from tests.keeper.browser.sight import DESKTOP, PHONE, Size, serious, shown
from tests.keeper.compared import sample_comparison


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    write_comparison(sample_comparison(folder), folder / "strategies.html")
    return folder / "strategies.html"


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"]
)
def test_comparison__opened_from_disk__whole_quiet_and_accessible(
    browser: Browser, file: Path, size: Size, scheme: str
) -> None:
    with shown(browser, file.as_uri(), size, scheme=scheme) as watching:
        watching.keep(f"comparison-{size[0]}")

        assert watching.complaints == []
        assert watching.requests == [file.as_uri()]
        assert watching.is_narrow_enough()
        assert len(watching.drawn()) == 3 * 17 + 4
        assert all(length > 15 for length in watching.drawn().values())
        assert serious(watching.page) == []


def test_comparison__arrow_keys__read_every_rule_out(browser: Browser, file: Path) -> None:
    with shown(browser, file.as_uri(), DESKTOP) as watching:
        plot = watching.page.locator("figure.chart", has_text="Profit of every rule").locator(
            ".plot"
        )
        plot.focus()

        watching.page.keyboard.press("End")

        spoken = plot.get_attribute("aria-valuetext")
        assert spoken is not None
        assert all(name in spoken for name in ("Fixed spread", "MegaVault", "GLFT, finite"))
