"""Makes the report page as an operator does, with what only the story knows beside it."""

from pathlib import Path

import msgspec

from keeper.devnet.recorded_data import data_source
from keeper.devnet.story.quoting import parameters
from keeper.devnet.story.scenes import Play
from keeper.pages.report_data import Check, DataSource, Figure, PageNotes

__all__ = ["write_page"]


async def write_page(play: Play, lens: str, checks: list[Check], file: Path) -> None:
    """Write the self-contained report page by `keeper page`, while the chain still answers.

    `lens` is the bonds'.
    """
    notes = PageNotes(
        title="One story on the local world",
        names={identity.address: name for name, identity in play.world.people.items()},
        checks=tuple(checks),
        figures=_figures(play),
        source=_source(play),
        quoting=parameters(play.world.tape),
    )
    notes_file = play.world.folder / "notes.json"
    notes_file.write_bytes(msgspec.json.encode(notes))
    arguments = ("--notes", str(notes_file), "--lens", lens, "--out", str(file.resolve()))
    config = ("--config", str(play.stage.config))
    await play.stage.run("page", *arguments, *config, "--json")


def _source(play: Play) -> DataSource:
    tape = play.world.tape
    if tape is not None:
        return data_source(tape, play.world.tape_clock.now_ns())
    return DataSource(name="seeded flow", note=f"Seed {play.world.seed}; no market was recorded.")


def _figures(play: Play) -> tuple[Figure, ...]:
    return (
        Figure(name="Swaps in the pool by others", value=str(play.world.swappers.swaps)),
        Figure(name="Wall time of the story", value=f"{play.narrator.elapsed_seconds} s"),
    )
