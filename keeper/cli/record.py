"""`keeper record`: write public market data into files the local world can replay."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keeper.cli.options import json_option
from keeper.cli.output import emit, note, print_table
from keeper.cli.serving import until_stopped

if TYPE_CHECKING:
    from keeper.bootstrap.recording import Recorder

__all__ = ["record"]

_PROGRESS_SECONDS = 10


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write into; nothing in it is overwritten.",
)
@click.option(
    "--symbol",
    "symbols",
    multiple=True,
    default=("ETHUSDT", "BTCUSDT"),
    show_default=True,
    help="Symbol at the exchange; may be given again.",
)
@click.option(
    "--kind",
    type=click.Choice(["binance-usdm", "binance-spot"]),
    default="binance-usdm",
    show_default=True,
    help="Exchange: Binance's USD-margined futures or its spot market.",
)
@click.option("--ws-url", help="Another stream base address; the exchange's own by default.")
@click.option("--rest-url", help="Another REST base address; the exchange's own by default.")
@click.option(
    "--seconds", type=click.IntRange(min=1), help="Stop after so many seconds; else at Ctrl-C."
)
@json_option
def record(
    out: Path,
    symbols: tuple[str, ...],
    kind: str,
    ws_url: str | None,
    rest_url: str | None,
    seconds: int | None,
    as_json: bool,
) -> None:
    """Record public books and trades of an exchange into files.

    One gzip file a symbol and day (UTC), `<market>_<symbol>_<day>.gz`, each line the local time in
    nanoseconds and the message as it came, with one depth snapshot. `keeper devnet up --data`
    plays such a folder. Ctrl-C, SIGTERM or --seconds finish the files; a lost connection begins
    new ones.
    """
    from keeper.bootstrap.recording import Recorder, recording_settings
    from keeper.clock import SystemClock
    from keeper.config.presets import FEEDS

    urls = (ws_url or FEEDS[kind]["ws_url"], rest_url or FEEDS[kind]["rest_url"])
    wanted = tuple(dict.fromkeys(symbol.upper() for symbol in symbols))
    recorder = Recorder(recording_settings(kind, urls, wanted), out, SystemClock(), note)
    note(f"recording {', '.join(wanted)} from {urls[0]} into {out}; Ctrl-C finishes")
    asyncio.run(until_stopped(_watched(recorder, seconds)))
    data = _result(out, recorder)
    emit(as_json, data, lambda: print_table(_rows(data), head=("symbol", "messages", "file")))


async def _watched(recorder: "Recorder", seconds: int | None) -> None:
    """Record for as long as asked, saying now and then how much there is."""
    job = asyncio.create_task(recorder.run())
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    try:
        while not job.done() and (end is None or loop.time() < end):
            left = _PROGRESS_SECONDS if end is None else min(_PROGRESS_SECONDS, end - loop.time())
            await asyncio.wait([job], timeout=max(0.0, left))
            note(", ".join(f"{name} {found.messages:,}" for name, found in _sorted(recorder)))
        if job.done():
            await job
    finally:
        job.cancel()
        await asyncio.wait([job])


def _sorted(recorder: "Recorder") -> list[tuple[str, Any]]:
    return sorted(recorder.recorded.items())


def _result(out: Path, recorder: "Recorder") -> dict[str, Any]:
    symbols = [
        {
            "symbol": name,
            "messages": found.messages,
            "breaks": found.breaks,
            "files": [str(file) for file in found.files],
        }
        for name, found in _sorted(recorder)
    ]
    return {"folder": str(out), "symbols": symbols}


def _rows(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (each["symbol"], f"{each['messages']:,}", file)
        for each in data["symbols"]
        for file in each["files"] or ["nothing that can be read back"]
    ]
