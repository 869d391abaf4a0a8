"""`keeper devnet`: the whole local world on this machine, for trying and for the demonstration."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import click

from keeper.cli.output import note

__all__ = ["devnet"]

OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder for the world's files; its `world` subfolder is made anew.",
)


@click.group()
def devnet() -> None:
    """Run the whole local world on this machine.

    Needs the development set-up (`make install`): Node, anvil and Ape.
    """


@devnet.command()
@OUT
@click.option("--seed", type=int, default=None, help="Seed of prices and flow.")
def demo(out: Path, seed: int | None) -> None:
    """Tell the story: deposit, quote, fill, signed report, paid claim.

    Exits with 1 when a check differs or a scene fails.
    """
    from keeper.devnet.story.demo import SEED, run_demo

    _fresh(out)
    if not asyncio.run(run_demo(out, SEED if seed is None else seed)):
        note("a check differs: see the table above")
        sys.exit(1)


@devnet.command()
@OUT
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of prices and flow.")
def up(out: Path, seed: int) -> None:
    """Start the world and keep it running until Ctrl-C; prints where everything listens."""
    from keeper.devnet.up import run_world

    _fresh(out)
    asyncio.run(run_world(out / "world", seed, lambda record: click.echo(json.dumps(record))))


def _fresh(out: Path) -> None:
    """Make an empty world folder; only what an earlier world made is removed."""
    world = out / "world"
    if (world / "clock.json").exists():
        shutil.rmtree(world)
    world.mkdir(parents=True, exist_ok=True)
