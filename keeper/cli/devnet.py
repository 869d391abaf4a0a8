"""`keeper devnet`: the whole local world on this machine, for trying and for the demonstration."""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keeper.cli.devnet_faults import fault
from keeper.cli.exits import ExitCode
from keeper.cli.options import json_option
from keeper.cli.output import emit, note

if TYPE_CHECKING:
    from keeper.devnet.recorded_data import Chosen

__all__ = ["devnet"]

USDC = 10**6

OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder for the world's files; its `world` subfolder is made anew.",
)
DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder of recorded Binance streams to play instead of seeded flow: "
    "ETHUSDT into ETH-USD, BTCUSDT into BTC-USD.",
)


@click.group()
def devnet() -> None:
    """Run the whole local world on this machine.

    Needs the development set-up (`make install`): Node, anvil and Ape.
    """


devnet.add_command(fault)


@devnet.command()
@OUT
@DATA
@click.option(
    "--play-seconds",
    type=click.IntRange(min=1),
    default=120,
    show_default=True,
    help="Least of the recording to trade through, in seconds; all of it where it is shorter.",
)
@click.option("--seed", type=int, default=None, help="Seed of prices and flow.")
@json_option
def demo(out: Path, data: Path | None, play_seconds: int, seed: int | None, as_json: bool) -> None:
    """Tell the story: deposit, quote, fill, signed report, paid claim.

    Exits with 1 when a check differs or a scene fails. With --data a recording is checked from
    end to end before anything starts, and every quoted market has to be filled on both sides.
    """
    from keeper.devnet.story.demo import SEED, run_demo, show

    recordings = _recordings(data)
    _fresh(out)
    told = asyncio.run(run_demo(out, SEED if seed is None else seed, recordings, play_seconds))
    emit(as_json, told.plain(), lambda: show(told.checks))
    if not told.holds:
        note("a check differs: see the checks above")
        sys.exit(ExitCode.INTERNAL)


@devnet.command()
@OUT
@DATA
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of prices and flow.")
@click.option(
    "--fund",
    type=click.IntRange(min=100),
    default=None,
    help="Give the vault's venue account this many USDC, so that a keeper has what to quote with.",
)
@json_option
def up(
    out: Path,
    data: Path | None,
    seed: int,
    fund: int | None,
    as_json: bool,  # noqa: ARG001
) -> None:
    """Start the world and keep it running until Ctrl-C; prints where everything listens.

    That record is one line of JSON, with or without --json. At a recording's end its last book is
    held, nobody trades any more, and stderr says so.
    """
    from keeper.devnet.up import run_world

    recordings = _recordings(data)
    _fresh(out)
    gift = (fund or 0) * USDC
    asyncio.run(
        run_world(
            out / "world",
            seed,
            lambda record: click.echo(json.dumps(record)),
            note,
            recordings,
            gift,
        )
    )


def _recordings(data: Path | None) -> "Chosen":
    """Read and check a folder's recordings. Raises RecordingInvalid."""
    if data is None:
        return ()
    from keeper.devnet.recorded_data import find_recordings

    return find_recordings(data)


def _fresh(out: Path) -> None:
    """Make an empty world folder; only what an earlier world made is removed."""
    world = out / "world"
    if (world / "clock.json").exists():
        shutil.rmtree(world)
    world.mkdir(parents=True, exist_ok=True)
