"""What commands that read a journal share: which one, since when, and its index."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from keeper.cli.failures import ArgumentInvalid
from keeper.cli.journal import require_journal
from keeper.cli.moments import parse_moment
from keeper.cli.options import collector_paused, config_options, load
from keeper.cli.progress import progress_bar
from keeper.cli.status import folder_of

if TYPE_CHECKING:
    from keeper.index import Index
    from keeper.index.profit import Window

__all__ = [
    "Source",
    "about",
    "indexed",
    "journal_options",
    "now_of",
    "require_market",
    "window",
    "window_options",
]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Source:
    """The journal a command reads."""

    folder: Path
    show_progress: bool


def journal_options(function: F) -> F:
    """Add --config, --set, --journal and --progress; the command gets one `source`."""

    @functools.wraps(function)
    def chosen(
        *args: Any,
        file: Path,
        overrides: tuple[str, ...],
        journal: Path | None,
        progress: bool,
        **values: Any,
    ) -> Any:
        folder = folder_of(load(file, overrides)) if journal is None else journal
        return function(*args, source=Source(folder, progress), **values)

    folder = click.option(
        "--journal",
        type=click.Path(path_type=Path),
        help="Journal folder to read instead of the configuration's; a copy will do.",
    )
    progress = click.option(
        "--progress", is_flag=True, help="Show progress even where no terminal is."
    )
    return cast(F, config_options(folder(progress(chosen))))


def window_options(function: F) -> F:
    """Add --since and --until."""
    since = click.option(
        "--since",
        metavar="WHEN",
        help="From here on: 7d (ago), a date or a time in UTC; of a time, whole minutes count.",
    )
    until = click.option("--until", metavar="WHEN", help="Before this moment, as --since.")
    return since(until(function))


@contextmanager
def indexed(source: Source) -> Iterator["Index"]:
    """Open the journal's index, brought up to date. Raises JournalMissing, IndexUnavailable."""
    require_journal(source.folder)
    with collector_paused():
        from keeper.index import index_path, open_index

    with progress_bar("reading the journal", is_forced=source.show_progress) as bar:
        index = open_index(source.folder, index_path(source.folder), bar)
    try:
        yield index
    finally:
        index.close()


def about(source: Source, index: "Index", said_by: str = "journal") -> dict[str, Any]:
    """What every answer begins with: who said it, of which journal, and what kind of run it is."""
    return {
        "source": said_by,
        "journal": str(source.folder),
        "mode": index.run.mode,
        "network": index.run.network,
        "vault": index.run.vault,
    }


def require_market(index: "Index", market: str) -> None:
    """Refuse a market this journal has never seen; "" means any. Raises ArgumentInvalid."""
    from keeper.index.profit import listings

    known = listings(index)
    if market and known and market not in known:
        raise ArgumentInvalid(
            f"no market {market} in this journal",
            next_step=f"--market takes one of: {', '.join(sorted(known))}",
        )


def now_of(index: "Index") -> int:
    """Unix nanoseconds that "7d ago" counts from: now, or the last record of a faster clock."""
    return max(time.time_ns(), index.position.last_t_ns)


def window(index: "Index", since: str | None, until: str | None) -> "Window":
    """Return what --since and --until span. Raises ArgumentInvalid."""
    from keeper.index.profit import window_of

    now = now_of(index)
    start, end = (None if text is None else parse_moment(text, now) for text in (since, until))
    if start is not None and end is not None and start >= end:
        raise ArgumentInvalid(
            f"--since {since} is not before --until {until}",
            next_step="exchange them, or leave one out",
        )
    return window_of(index, start, end)
