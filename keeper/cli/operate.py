"""`keeper pause|resume|cancel-all|flatten|halt`: a word to a running keeper."""

import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from keeper.cli.failures import OperationPending
from keeper.cli.flattening import GOES_ON, is_flat, unclosed, what_is_left
from keeper.cli.options import config_options, json_option, load, reason_option
from keeper.cli.output import emit, note, scaled
from keeper.cli.resuming import require_cause_gone
from keeper.cli.status import ask_status, folder_of
from keeper.control.asking import Request, ask

__all__ = ["cancel_all", "flatten", "halt", "pause", "resume"]

POLL_SECONDS = 0.2
WAIT = click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="Longest time to wait for the effect, in seconds; 0 returns at once.",
)
MARKET = click.argument("market", required=False, default="")


@click.command()
@MARKET
@config_options
@reason_option
@WAIT
@json_option
def pause(
    market: str,
    file: Path,
    overrides: tuple[str, ...],
    reason: str,
    wait_seconds: int,
    as_json: bool,
) -> None:
    """Withdraw quotes of a market; positions stay.

    Without a market: all of them. Pool ranges stay as well.
    """
    folder = folder_of(load(file, overrides))
    word = Word("pause", market, reason, lambda s: _is_quiet(s, market))
    data = _tell(folder, word, wait_seconds)
    _show(as_json, data, "quotes are withdrawn; positions and pool ranges stay")


@click.command()
@MARKET
@config_options
@reason_option
@click.option("--yes", is_flag=True, help="Resume although a stop would trip again.")
@WAIT
@json_option
def resume(
    market: str,
    file: Path,
    overrides: tuple[str, ...],
    reason: str,
    yes: bool,
    wait_seconds: int,
    as_json: bool,
) -> None:
    """Quote a paused market again.

    Without a market: all of them, and trading starts again after flatten, halt or a stop, as with
    `keeper risk resume`; the loss stops then count anew from here.
    """
    folder = folder_of(load(file, overrides))
    if not market:
        require_cause_gone(folder, yes=yes)
    word = Word("resume", market, reason, lambda s: _is_resumed(s, market))
    data = _tell(folder, word, wait_seconds)
    _show(as_json, data, "quoting again")


@click.command("cancel-all")
@MARKET
@config_options
@reason_option
@json_option
def cancel_all(
    market: str, file: Path, overrides: tuple[str, ...], reason: str, as_json: bool
) -> None:
    """Cancel every resting order; quoting goes on with new ones.

    Without a market: in all of them. Positions and pool ranges stay; `keeper pause` withdraws
    quotes and places no new ones. Without a running keeper no order outlives its goodTilBlock.
    """
    folder = folder_of(load(file, overrides))
    request = Request(verb="cancel", argument=market, operator=getpass.getuser(), reason=reason)
    before = ask_status(folder)
    ask(folder, request)
    data = {"verb": "cancel-all", "argument": market, "in_effect": True, **_open(before)}
    text = "every order is being cancelled and quoting goes on; to stop it: keeper pause"
    _show(as_json, data, text)


@click.command()
@config_options
@reason_option
@click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="Longest time to wait while nothing more is closed, in seconds; 0 returns at once.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be sent first; send nothing.")
@json_option
def flatten(
    file: Path,
    overrides: tuple[str, ...],
    reason: str,
    wait_seconds: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Cancel quotes, leave ranges, close positions; stay flat.

    Positions are closed by reduce-only immediate orders within the configured slippage, as deep
    as the book allows, one every few blocks. It waits as long as that goes on, and says what is
    left where the book has nothing more to take. `keeper resume` starts trading again.
    """
    folder = folder_of(load(file, overrides))
    if dry_run:
        _show_plan(folder, as_json)
        return
    data = _tell(folder, Word("exit", "", reason, is_flat, what_is_left, unclosed), wait_seconds)
    _show(as_json, data, "flat: no quotes, no ranges, no positions")


@click.command()
@config_options
@reason_option
@WAIT
@json_option
def halt(
    file: Path, overrides: tuple[str, ...], reason: str, wait_seconds: int, as_json: bool
) -> None:
    """Stop at once: no order; positions stay.

    No pool operation either; ranges stay as they are. `keeper resume` starts trading again.
    """
    folder = folder_of(load(file, overrides))
    word = Word("halt", "", reason, lambda s: bool(s["state"] == "HALTED"))
    data = _tell(folder, word, wait_seconds)
    _show(as_json, data, "halted; positions and pool ranges stay")


@dataclass(frozen=True, slots=True)
class Word:
    """A word to a keeper, when it is in effect, and how far from that a status is.

    `left` shrinks as it takes effect, and the wait begins anew each time; `unmet` says at the end
    what is left and what to do.
    """

    verb: str
    argument: str
    reason: str
    is_done: Callable[[dict[str, Any]], bool]
    left: Callable[[dict[str, Any]], tuple[int, ...]] = lambda _status: ()
    unmet: Callable[[dict[str, Any]], tuple[str, str]] | None = None


def _tell(folder: Path, word: Word, wait_seconds: int) -> dict[str, Any]:
    """Send the word and wait for its effect. Raises NotRunning, OperationPending."""
    request = Request(
        verb=word.verb, argument=word.argument, operator=getpass.getuser(), reason=word.reason
    )
    ask(folder, request)
    seen = ask_status(folder)
    least, deadline = word.left(seen), time.monotonic() + wait_seconds
    while not (done := word.is_done(seen)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        seen = ask_status(folder)
        if any(now < before for now, before in zip(word.left(seen), least, strict=True)):
            least, deadline = word.left(seen), time.monotonic() + wait_seconds
            note(f"open: {open_text(seen)}")
    if not done and wait_seconds:
        why, next_step = (word.unmet or _in_general)(seen)
        text = f"{word.verb} is logged, but not in effect after {wait_seconds} s: {why}"
        raise OperationPending(text, next_step=next_step)
    return {
        "verb": word.verb,
        "argument": word.argument,
        "reason": word.reason,
        "in_effect": done,
        **_open(seen),
        "status": seen,
    }


def _in_general(status: dict[str, Any]) -> tuple[str, str]:
    return f"{open_text(status)}, state {status['state']}", GOES_ON


def _show(as_json: bool, data: dict[str, Any], text: str) -> None:
    if not data["in_effect"]:
        note("logged; watch it with: keeper status")

    def human() -> None:
        if data["in_effect"]:
            click.echo(text)
        click.echo(f"open: {_words(data['stays_open'])}")

    emit(as_json, data, human)


def _open(status: dict[str, Any]) -> dict[str, Any]:
    """What is open right now: positions in base quantums, resting orders, pool ranges."""
    markets, pools = status["markets"], status["pools"]
    return {
        "stays_open": {
            "positions": {
                m["market"]: scaled(m["position_base_quantums"], m["base_decimals"])
                for m in markets
                if m["position_base_quantums"]
            },
            "orders": sum(m["bids"] + m["asks"] for m in markets),
            "ranges": sum(len(pool["ranges"]) for pool in pools),
        }
    }


def open_text(status: dict[str, Any]) -> str:
    """Say what is open."""
    return _words(_open(status)["stays_open"])


def _words(stays_open: dict[str, Any]) -> str:
    positions = ", ".join(f"{size} {name}" for name, size in stays_open["positions"].items())
    counts = f"{stays_open['orders']} orders, {stays_open['ranges']} pool ranges"
    return f"positions {positions or 'none'}; {counts}"


def _show_plan(folder: Path, as_json: bool) -> None:
    """Print what flattening would send first, by the keeper's own state."""
    found = ask(folder, Request(verb="plan", argument="exit", operator=getpass.getuser()))["plan"]
    data = {"verb": "exit", "dry_run": True, **found}

    def human() -> None:
        for command in data["commands"]:
            click.echo(_planned(command))
        note("nothing was sent; what these leave open is decided again block by block")

    emit(as_json, data, human)


def _planned(command: dict[str, Any]) -> str:
    if command["kind"] == "CancelOrders":
        return f"cancel  {command['market']}  {len(command['client_ids'])} orders"
    if command["kind"] == "PlaceOrder":
        size = scaled(command["quantums"], command["base_decimals"])
        price = scaled(command["subticks"], command["subticks_decimals"])
        kept = "reduce-only" if command["reduce_only"] else "not reduce-only"
        return (
            f"order   {command['market']}  {command['side']} {size} at {price} or better, "
            f"{command['time_in_force']}, {kept}"
        )
    rest = {k: v for k, v in command.items() if k not in ("kind", "adapter")}
    return f"chain   {command['kind']} on {command.get('adapter', 'the vault')}  {rest}"


def _chosen(status: dict[str, Any], market: str) -> list[dict[str, Any]]:
    return [m for m in status["markets"] if m["quoted"] and market in ("", m["market"])]


def _is_quiet(status: dict[str, Any], market: str) -> bool:
    chosen = _chosen(status, market)
    return all(m["paused"] and m["bids"] == 0 and m["asks"] == 0 for m in chosen)


def _is_resumed(status: dict[str, Any], market: str) -> bool:
    is_active = market != "" or status["state"] == "ACTIVE"
    return is_active and not any(m["paused"] for m in _chosen(status, market))
