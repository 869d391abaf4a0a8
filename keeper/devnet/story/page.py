"""Fills the report page from what the story saw."""

from pathlib import Path

from keeper.devnet.conservation import Check
from keeper.devnet.story.scenes import Play

__all__ = ["write_page"]


async def write_page(play: Play, checks: list[Check], file: Path) -> None:
    """Write the self-contained report page."""
    raise NotImplementedError(f"{file} {play} {checks}")
