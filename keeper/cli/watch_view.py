"""What `keeper status --watch` draws: the same figures on 80x24 and on a wall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.table import Table
from rich.text import Text

from keeper.pages.duty_text import next_duty
from keeper.pages.numbers import money_text, trimmed_text
from keeper.pages.report_data import FillPoint
from keeper.web.watching import KeeperView

__all__ = ["Look", "Size", "drawn", "pressed", "spoken"]

Size = tuple[int, int]
"""Columns and rows of the terminal."""

_USDC: Final = 6
_BASE: Final = 9
_WIDE: Final = 110
_FRAME_ROWS: Final = 13
_TONES: Final = {"live": "green", "stale": "yellow", "offline": "red"}
_PHASES: Final = {"ACTIVE": "green", "REDUCING": "yellow", "EXITING": "yellow", "HALTED": "red"}
_HELP: Final = (
    ("q", "leave; the keeper goes on"),
    ("up, down, k, j", "choose a market"),
    ("?", "show or hide this"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """What the person at the keyboard chose."""

    market: int = 0
    shows_help: bool = False
    leaves: bool = False


def pressed(look: Look, key: str, markets: int) -> Look:
    """Return what a key makes of it; other keys change nothing."""
    if key in ("q", "Q", "\x03"):
        return replace(look, leaves=True)
    if key == "?":
        return replace(look, shows_help=not look.shows_help)
    step = {"down": 1, "j": 1, "up": -1, "k": -1}.get(key, 0)
    if step and markets:
        return replace(look, market=(look.market + step) % markets)
    return look


def drawn(
    view: KeeperView, fills: Sequence[tuple[str, FillPoint]], look: Look, size: Size
) -> RenderableType:
    """Return the whole screen; what does not fit is cut, the line of keys never."""
    rows: list[RenderableType] = [_title(view), _ages(view)]
    if look.shows_help:
        rows += [Text(), _help()]
    elif view.status is None:
        rows += [Text(), Text(view.problem or "waiting for its first answer", style="red")]
        rows.append(Text(f"next: {view.next_step}" if view.next_step else ""))
    else:
        rows += _body(view, fills, look, size)
    keys = Text("q leave   ? help   up/down market", style="dim", no_wrap=True, overflow="crop")
    screen = Layout()
    screen.split_column(Layout(Group(*rows)), Layout(keys, size=1))
    return screen


def spoken(view: KeeperView) -> str:
    """Say it in one line, for a log or a pipe."""
    parts = [view.name, view.mode, view.freshness]
    if view.status is None:
        return "  ".join([*parts, view.problem or "no answer yet"])
    status = view.status
    parts += [status["state"], f"profit today {_usdc(status['profit_today_quote_quantums'])}"]
    for market in _quoted(status):
        quotes = f"{_price(market, 'own_bid_subticks')}/{_price(market, 'own_ask_subticks')}"
        parts.append(f"{market['market']} {_position(market)} {quotes}")
    return "  ".join(parts)


def _title(view: KeeperView) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(view.name, style="bold")
    text.append(f"  {view.mode}", style="magenta")
    text.append(f"  {view.freshness}", style=f"bold {_TONES[view.freshness]}")
    if view.status is not None:
        state = view.status["state"]
        text.append(f"  {state}", style=f"bold {_PHASES.get(state, '')}".strip())
    return text


def _ages(view: KeeperView) -> Text:
    words = f"answer {_age(view.silent_ms)}, venue block {_age(view.data_age_ms)}"
    if view.status is not None:
        words += f", run {view.status['run']}, record {view.status['seq']:,}"
    return Text(words, style="dim", no_wrap=True, overflow="ellipsis")


def _help() -> Table:
    table = Table.grid(padding=(0, 3))
    for keys, meaning in _HELP:
        table.add_row(Text(keys, style="bold"), meaning)
    table.add_row(Text(""), "Nothing here acts. To act: keeper pause, flatten, halt.")
    return table


def _body(
    view: KeeperView, fills: Sequence[tuple[str, FillPoint]], look: Look, size: Size
) -> list[RenderableType]:
    status = view.status or {}
    width, height = size
    markets = _quoted(status)
    chosen = look.market % len(markets) if markets else 0
    room = max(1, height - _FRAME_ROWS)
    first = max(0, min(chosen - room + 1, len(markets) - room))
    rows: list[RenderableType] = [Text(), _figures(status), _duty(status), Text()]
    rows.append(_markets(markets[first : first + room], chosen - first, width))
    if view.problem:
        rows.append(Text(view.problem, style="red", no_wrap=True, overflow="ellipsis"))
    rows += _warnings(status)
    spare = height - _FRAME_ROWS - len(markets) - len(rows) + 4
    if markets and spare > 6:
        rows += [Text(), _detail(markets[chosen])]
        spare -= 7
    rows += [_pool(pool) for pool in status["pools"][: max(0, spare)]]
    spare -= len(status["pools"]) + 2
    if fills and spare > 2:
        rows += [Text(), _fills(fills[: spare - 1])]
    return rows


def _figures(status: Mapping[str, Any]) -> Table:
    vault = status["vault_view"]
    nav = "unknown" if vault is None else _usdc(vault["accepted_nav_assets"])
    profit = status["profit_today_quote_quantums"]
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(no_wrap=True)
    below = status["below_high_quote_quantums"]
    table.add_row(
        Text("profit today", style="dim"),
        Text(_usdc(profit), style="red" if (profit or 0) < 0 else "green"),
        Text("below its high", style="dim"),
        _usdc(below),
    )
    table.add_row(
        Text("quote balance", style="dim"),
        _usdc(status["usdc_quote_quantums"]),
        Text("accepted NAV", style="dim"),
        nav,
    )
    return table


def _duty(status: Mapping[str, Any]) -> Text:
    vault = status["vault_view"]
    text = Text("next duty", style="dim", no_wrap=True, overflow="ellipsis")
    now_s = status["t_ns"] // 10**9
    said = "unknown" if vault is None else next_duty(vault["housekeeping"], now_s)
    return text.append(f"  {said}", style="not dim")


def _markets(markets: Sequence[Mapping[str, Any]], chosen: int, width: int) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    is_wide = width >= _WIDE
    names = ["  market", "state", "position", "our bid", "our ask", "oracle", "orders"]
    if is_wide:
        names[3:3] = ["in pools"]
        names[-1:-1] = ["book bid", "book ask", "book age", "oracle age"]
    for name in names:
        justify: Any = "left" if name in ("  market", "state") else "right"
        table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis")
    for number, market in enumerate(markets):
        table.add_row(*_market(market, is_chosen=number == chosen, is_wide=is_wide))
    return table


def _market(market: Mapping[str, Any], *, is_chosen: bool, is_wide: bool) -> list[Text]:
    state = "paused" if market["paused"] else market["status"].lower()
    cells = [
        Text(f"{'>' if is_chosen else ' '} {market['market']}", "bold" if is_chosen else ""),
        Text(state, style="" if state == "active" else "yellow"),
        Text(_position(market)),
    ]
    if is_wide:
        cells.append(Text(_base(market, "pool_base_quantums")))
    cells += [
        Text(_price(market, "own_bid_subticks"), style="cyan"),
        Text(_price(market, "own_ask_subticks"), style="magenta"),
        Text(_oracle(market)),
    ]
    if is_wide:
        cells += [
            Text(_price(market, "best_bid_subticks")),
            Text(_price(market, "best_ask_subticks")),
            Text(_age(market["book_age_ms"])),
            Text(_age(market["oracle_age_ms"])),
        ]
    return [*cells, Text(f"{market['bids']}+{market['asks']}")]


def _detail(market: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    rows = (
        (market["market"], ""),
        ("book", f"{_price(market, 'best_bid_subticks')} / {_price(market, 'best_ask_subticks')}"),
        ("ages", f"book {_age(market['book_age_ms'])}, oracle {_age(market['oracle_age_ms'])}"),
        ("perpetual, in pools", f"{_position(market)}, {_base(market, 'pool_base_quantums')}"),
        ("orders not dead yet", str(market["orders_not_dead_yet"])),
    )
    for name, value in rows:
        table.add_row(Text(name, style="dim" if value else "bold"), value)
    return table


def _pool(pool: Mapping[str, Any]) -> Text:
    price = "unknown" if pool["price_e6"] is None else money_text(pool["price_e6"], _USDC)
    held = "no range"
    if pool["lower_e6"] is not None:
        low, high = (money_text(pool[name], _USDC) for name in ("lower_e6", "upper_e6"))
        held = f"range {low} to {high}"
    words = f"pool {pool['pool'][:10]} at {price}, {held}, seen {_age(pool['age_ms'])}"
    return Text(words, style="dim", no_wrap=True, overflow="ellipsis")


def _fills(fills: Sequence[tuple[str, FillPoint]]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    for name in ("newest fills", "side", "as", "size", "price"):
        justify: Any = "right" if name in ("size", "price") else "left"
        table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis")
    for market, fill in fills:
        style = "cyan" if fill.side == "BUY" else "magenta"
        size = trimmed_text(fill.base_e9, _BASE, least=3)
        price = trimmed_text(fill.price_usdc_e6, _USDC, least=2)
        table.add_row(market, Text(fill.side.lower(), style), fill.liquidity.lower(), size, price)
    return table


def _warnings(status: Mapping[str, Any]) -> list[RenderableType]:
    found: list[RenderableType] = []
    for name, values in (("refused", "refusals"), ("sources down", "sources_down")):
        if status[values]:
            words = f"{name}: {', '.join(status[values])}"
            found.append(Text(words, style="yellow", no_wrap=True, overflow="ellipsis"))
    return found


def _quoted(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [market for market in status["markets"] if market["quoted"]]


def _position(market: Mapping[str, Any]) -> str:
    return _base(market, "position_base_quantums")


def _base(market: Mapping[str, Any], name: str) -> str:
    decimals = market["base_decimals"]
    return trimmed_text(market[name], decimals, least=min(3, decimals))


def _price(market: Mapping[str, Any], name: str) -> str:
    value, decimals = market[name], market["subticks_decimals"]
    return trimmed_text(value, decimals, least=min(2, decimals)) if value else "none"


def _oracle(market: Mapping[str, Any]) -> str:
    exponent = -market["oracle_exponent"]
    return trimmed_text(market["oracle_price"], exponent, least=2) if exponent > 1 else "unknown"


def _usdc(value: int | None) -> str:
    return "unknown" if value is None else f"{money_text(value, _USDC)} USDC"


def _age(ms: int) -> str:
    if ms < 0:
        return "never"
    return f"{ms / 1_000:.1f} s ago" if ms < 10_000 else f"{ms // 1_000:,} s ago"
