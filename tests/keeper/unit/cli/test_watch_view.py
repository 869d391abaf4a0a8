"""What the terminal shows: nothing wider than it is, the keys always, the chosen market marked."""

import io
from typing import Any

import msgspec
import pytest
from rich.console import Console, RenderableType

from keeper.cli.watch_view import Look, Size, drawn, pressed, spoken
from keeper.pages.report_data import FillPoint
from keeper.pages.status import status_of
from keeper.pages.times import clock_time, lasting
from keeper.web.watching import KeeperView
from tests.keeper.builders import (
    HOUSEKEEPING,
    SECOND,
    Keeper,
    pool_seen,
    pool_settings,
    settings,
    vault,
)

SMALL: Size = (80, 24)
LARGE: Size = (200, 60)
FILL = FillPoint(at_ms=1, side="BUY", price_usdc_e6=2_990_500_000, base_e9=5 * 10**8)


@pytest.fixture
def view() -> KeeperView:
    keeper = Keeper(settings(pools=(pool_settings(),)))
    keeper.start(ETH=2_000_000_000)
    keeper.feed(vault(1))
    keeper.feed(pool_seen(1, amount1=10**18))
    keeper.block()
    keeper.answer()
    return view_of(status_of(keeper.state, keeper.now))


def view_of(status: dict[str, Any]) -> KeeperView:
    return KeeperView(
        name="alpha",
        mode="local world",
        vault="0xvault",
        freshness="live",
        silent_ms=300,
        data_age_ms=700,
        problem="",
        next_step="",
        status=status,
    )


def lines(screen: RenderableType, size: Size) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=size[0], height=size[1], color_system=None)
    console.print(screen)
    return out.getvalue().splitlines()


def with_markets(view: KeeperView, count: int) -> KeeperView:
    assert view.status is not None
    markets: list[dict[str, Any]] = [
        {**view.status["markets"][0], "market": f"M{n}-USD"} for n in range(count)
    ]
    return msgspec.structs.replace(view, status={**view.status, "markets": markets})


@pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)])
def test_drawn__any_size__fits_and_keeps_the_keys(view: KeeperView, size: Size) -> None:
    shown = lines(drawn(view, [("ETH-USD", FILL)] * 9, Look(), size), size)

    assert len(shown) == size[1]
    assert max(len(line) for line in shown) <= size[0]
    assert shown[-1].startswith("q leave")
    assert shown[0].startswith("alpha  local world  live  ACTIVE")


def test_drawn__small__has_what_one_needs(view: KeeperView) -> None:
    text = "\n".join(lines(drawn(view, [], Look(), SMALL), SMALL))

    for word in ("profit today", "accepted NAV", "> ETH-USD", "2.000", "our bid", "pool 0xpool"):
        assert word in text
    assert "book age" not in text


@pytest.mark.parametrize("size", [SMALL, (40, 10)])
def test_drawn__keeper_with_housekeeping__next_duty_and_when(size: Size) -> None:
    keeper = Keeper(settings(housekeeping=HOUSEKEEPING))
    keeper.start()
    keeper.feed(vault(1, next_cut_at=keeper.now // SECOND + 9 * 3_600))
    status = status_of(keeper.state, keeper.now)
    due = status["vault_view"]["housekeeping"]["next_duty"]["due_at"]

    text = "\n".join(lines(drawn(view_of(status), [], Look(), size), size))

    assert "next duty  cut the epoch" in text
    if size == SMALL:
        assert f"{clock_time(due)} (in {lasting(due - keeper.now // SECOND)})" in text


def test_drawn__keeper_without_housekeeping__says_that_nothing_is_done(view: KeeperView) -> None:
    text = "\n".join(lines(drawn(view, [], Look(), SMALL), SMALL))

    assert "next duty  none: this keeper has no [housekeeping]" in text


def test_drawn__large__has_more_columns_and_fills(view: KeeperView) -> None:
    text = "\n".join(lines(drawn(view, [("ETH-USD", FILL)], Look(), LARGE), LARGE))

    for word in ("book age", "in pools", "newest fills", "2,990.50"):
        assert word in text


def test_drawn__more_markets_than_rows__the_chosen_one_is_in_sight(view: KeeperView) -> None:
    many = with_markets(view, 40)

    text = "\n".join(lines(drawn(many, [], Look(market=39), SMALL), SMALL))

    assert "> M39-USD" in text
    assert "M0-USD" not in text


def test_drawn__no_answer__says_why_and_what_next(view: KeeperView) -> None:
    gone = msgspec.structs.replace(
        view, status=None, freshness="offline", problem="no keeper answers", next_step="start it"
    )

    text = "\n".join(lines(drawn(gone, [], Look(), SMALL), SMALL))

    assert "offline" in text
    assert "no keeper answers" in text
    assert "next: start it" in text


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("q", Look(leaves=True)),
        ("?", Look(shows_help=True)),
        ("down", Look(market=1)),
        ("up", Look(market=2)),
        ("x", Look()),
    ],
)
def test_pressed__a_key__changes_the_look(key: str, expected: Look) -> None:
    assert pressed(Look(), key, 3) == expected


def test_pressed__arrows_without_markets__change_nothing() -> None:
    assert pressed(Look(), "down", 0) == Look()


def test_spoken__a_keeper__is_one_line(view: KeeperView) -> None:
    line = spoken(view)

    assert line.startswith("alpha  local world  live  ACTIVE")
    assert "ETH-USD 2.000" in line
    assert "\n" not in line
