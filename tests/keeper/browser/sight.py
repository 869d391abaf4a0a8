"""Opens a page as a person would and remembers everything that went wrong meanwhile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

__all__ = ["DESKTOP", "PHONE", "Size", "Watching", "serious", "shown"]

ROOT = Path(__file__).resolve().parents[3]
SCREENS = ROOT / "out" / "screens"
Size = tuple[int, int]
DESKTOP: Size = (1440, 900)
PHONE: Size = (390, 844)
LONGEST_LINES = """() => Object.fromEntries(
    [...document.querySelectorAll("figure.chart")].map(figure => [
        figure.querySelector("h3").textContent,
        Math.max(...[...figure.querySelectorAll(".drawing path.line")].map(
            path => path.getAttribute("d").length))]))"""
PAGE_SIZE = "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
PICTURE_HEIGHT = 3_600
AXE = "async () => (await axe.run({ resultTypes: ['violations'] })).violations"


@dataclass
class Watching:
    """A page, what it complained of, and what it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def is_narrow_enough(self) -> bool:
        """Whether nothing has to be scrolled sideways."""
        element = "document.documentElement"
        return bool(self.page.evaluate(f"{element}.scrollWidth <= {element}.clientWidth"))

    def drawn(self) -> dict[str, int]:
        """Per chart title, how long its longest drawn line is in characters of path."""
        found: dict[str, int] = self.page.evaluate(LONGEST_LINES)
        return found

    def keep(self, name: str) -> None:
        """Keep a picture of the page's beginning for people, where KEEP_SCREENS is set."""
        if not os.environ.get("KEEP_SCREENS"):
            return
        SCREENS.mkdir(parents=True, exist_ok=True)
        width, height = self.page.evaluate(PAGE_SIZE)
        clip = {"x": 0.0, "y": 0.0, "width": width, "height": min(height, PICTURE_HEIGHT)}
        self.page.screenshot(path=SCREENS / f"{name}.png", full_page=True, clip=clip)


@contextmanager
def shown(browser: Browser, url: str, size: Size, *, scheme: Any = "light") -> Iterator[Watching]:
    """Open a page in a window of that size."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    watching = Watching(page)
    page.on("console", lambda said: _note(watching, said.type, said.text))
    page.on("pageerror", lambda error: watching.complaints.append(str(error)))
    page.on("request", lambda request: watching.requests.append(request.url))
    page.goto(url)
    try:
        yield watching
    finally:
        context.close()


def _note(watching: Watching, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        watching.complaints.append(text)


def serious(page: Page) -> list[str]:
    """Return what axe finds serious or critical, with the elements it found it in."""
    page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())
    return [
        f"{found['id']}: {[node['html'][:120] for node in found['nodes'][:3]]}"
        for found in page.evaluate(AXE)
        if found["impact"] in ("serious", "critical")
    ]
