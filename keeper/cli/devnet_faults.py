"""`keeper devnet fault`: what goes wrong at the local exchange, listed, set and cleared."""

from pathlib import Path
from typing import Any

import click

from keeper.cli.options import json_option
from keeper.cli.output import emit, note, print_table

__all__ = ["fault"]

OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder the world was started with.",
)


@click.group()
def fault() -> None:
    """Make go wrong at the local exchange what goes wrong on dYdX.

    Faults are seeded: the same settings and traffic are struck in the same places.
    """


@fault.command("list")
@OUT
@json_option
def list_faults(out: Path, as_json: bool) -> None:
    """Show every fault there is, and which are set."""
    listed = _client(out).listed()
    emit(as_json, listed, lambda: _show(listed))


@fault.command("set")
@click.argument("name")
@click.option("--count", type=click.IntRange(min=0), default=0, help="Strikes; 0 without end.")
@click.option(
    "--permille",
    type=click.IntRange(1, 1000),
    default=1000,
    show_default=True,
    help="Chance of each strike, in thousandths.",
)
@click.option(
    "--amount",
    type=click.IntRange(min=0),
    default=0,
    help="Blocks, milliseconds, ticks or quantums, as `list` says; 0 for the fault's own.",
)
@click.option("--market", default="", help="Ticker, such as ETH-USD.")
@click.option("--address", default="", help="dYdX address it strikes alone.")
@click.option("--subaccount", type=click.IntRange(min=0), default=0, help="Subaccount number.")
@click.option("--channel", default="", help="Stream channel, such as v4_orderbook.")
@click.option("--status", default="", help="Market status, such as CANCEL_ONLY.")
@OUT
@json_option
def set_fault(out: Path, as_json: bool, **settings: Any) -> None:
    """Set a fault, in place of one of its name."""
    told = _client(out).set(settings)
    emit(as_json, told, lambda: note(f"{told['name']} is set at height {told['height']}"))


@fault.command()
@click.argument("name", default="")
@OUT
@json_option
def clear(name: str, out: Path, as_json: bool) -> None:
    """Clear a fault, or all of them without a name."""
    told = _client(out).clear(name)
    names = ", ".join(told["cleared"]) or "nothing was set"
    emit(as_json, told, lambda: note(f"cleared: {names}"))


def _client(out: Path) -> Any:
    from keeper.devnet.fault_client import FaultClient

    return FaultClient(out / "world")


def _show(listed: dict[str, Any]) -> None:
    active = {entry["name"]: entry for entry in listed["active"]}
    rows = [
        (
            entry["name"],
            _state(active.get(entry["name"])),
            entry["what"] + (f" (amount: {entry['amount']})" if entry["amount"] else ""),
        )
        for entry in listed["faults"]
    ]
    print_table(rows, head=("fault", "set", "what happens"))


def _state(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "-"
    left = "on" if entry["left"] is None else f"{entry['left']} left"
    return left if entry["permille"] == 1000 else f"{left}, {entry['permille']}/1000"
