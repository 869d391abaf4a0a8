"""Makes the report page as an operator does, with what only the story knows beside it."""

from pathlib import Path

import msgspec

from keeper.devnet.story.scenes import Play
from keeper.pages.report_data import Check, DataSource, Figure, PageNotes

__all__ = ["write_page"]


async def write_page(play: Play, checks: list[Check], file: Path) -> None:
    """Write the self-contained report page by `keeper page`, while the chain still answers."""
    notes = PageNotes(
        title="One story on the local world",
        names={identity.address: name for name, identity in play.world.people.items()},
        checks=tuple(checks),
        figures=_figures(play),
        source=DataSource(
            name="seeded flow",
            note="Prices and other traders follow a seed; chain, contracts and exchange are real.",
        ),
    )
    notes_file = play.world.folder / "notes.json"
    notes_file.write_bytes(msgspec.json.encode(notes))
    arguments = ("--notes", str(notes_file), "--out", str(file.resolve()))
    config = ("--config", str(play.stage.config))
    await play.stage.run("page", *arguments, *config, "--json")


def _figures(play: Play) -> tuple[Figure, ...]:
    return (
        Figure(name="Swaps in the pool by others", value=str(play.world.swappers.swaps)),
        Figure(name="Wall time of the story", value=f"{play.narrator.elapsed_seconds} s"),
    )
