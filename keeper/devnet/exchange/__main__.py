"""Owns the command line: `python -m keeper.devnet.exchange --config exchange.json`."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from .config import ExchangeConfig, load_config
from .process import Exchange


async def _until_input_ends(stop: asyncio.Event) -> None:
    """Stop when standard input ends: whoever held its other end is gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while await reader.read(1_024):
        pass
    stop.set()


async def _run(config: ExchangeConfig, *, tethered: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    watching = asyncio.create_task(_until_input_ends(stop)) if tethered else None
    async with Exchange(config) as exchange:
        sys.stdout.write(json.dumps(asdict(exchange.ports)) + "\n")
        sys.stdout.flush()
        await exchange.run_until(stop)
    if watching is not None:
        watching.cancel()


def main() -> None:
    """Serve until SIGTERM or SIGINT; the bound ports are one JSON line on standard output."""
    parser = argparse.ArgumentParser(prog="python -m keeper.devnet.exchange")
    parser.add_argument("--config", type=Path, required=True, help="JSON configuration")
    parser.add_argument("--log-level", default="WARNING")
    parser.add_argument(
        "--tethered", action="store_true", help="also stop when standard input ends"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=arguments.log_level)
    asyncio.run(_run(load_config(arguments.config), tethered=arguments.tethered))


main()
