"""`keeper page`: one self-contained HTML file of what a vault and its keeper did."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keeper.cli.access import address_of
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.journal import require_journal
from keeper.cli.options import config_options, json_option, load
from keeper.cli.output import emit, note

if TYPE_CHECKING:
    from keeper.config import LoadedConfig
    from keeper.pages.report_data import PageNotes, ReportData

__all__ = ["page"]


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="File to write; replaced whole.",
)
@click.option(
    "--data",
    "data_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write every number on the page as JSON, in smallest units.",
)
@click.option(
    "--notes",
    "notes_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON of what neither chain nor journal know: title, names by address, checks, source.",
)
@click.option(
    "--from-block",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="First block to search for the vault's events; its deployment's saves time.",
)
@click.option("--lens", metavar="ADDRESS", help="Also show the bonds that this lens lists.")
@config_options
@json_option
def page(
    out: Path,
    data_file: Path | None,
    notes_file: Path | None,
    from_block: int,
    lens: str | None,
    file: Path,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write one self-contained page of what vault and keeper did.

    Reads the vault's contracts, their events and the keeper's journal; needs no key and no
    running keeper. The file opens from disk and loads nothing from anywhere.
    """
    loaded = load(file, overrides)
    lens = None if lens is None else address_of(lens)
    import msgspec

    from keeper.pages.report import write_report

    notes = _notes(notes_file)
    if loaded.config.journal is not None:
        require_journal(loaded.journal_folder(loaded.config.journal))
    data = asyncio.run(_read(loaded, notes, from_block, lens))
    write_report(data, out)
    if data_file is not None:
        data_file.write_bytes(msgspec.json.encode(data))
    written = {"written": str(out), "bytes": out.stat().st_size}
    emit(as_json, written, lambda: click.echo(f"{out}  ({written['bytes']:,} bytes)"))


async def _read(
    loaded: "LoadedConfig", notes: "PageNotes", from_block: int, lens: str | None
) -> "ReportData":
    from keeper.bootstrap.pages import page_of

    note("reading the vault's events and the journal")
    return await page_of(loaded, notes, from_block, lens)


def _notes(file: Path | None) -> "PageNotes":
    """Read the notes. Raises ArgumentInvalid."""
    import msgspec

    from keeper.pages.report_data import PageNotes

    if file is None:
        return PageNotes()
    try:
        return msgspec.json.decode(file.read_bytes(), type=PageNotes)
    except (OSError, msgspec.DecodeError) as error:
        raise ArgumentInvalid(
            f"--notes {file}: {error}", next_step="leave it out, or correct the file"
        ) from error
