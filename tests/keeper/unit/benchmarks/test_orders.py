"""The relay that delays, and the table that the comparison with the official client writes."""

import asyncio
import time
from pathlib import Path

import pytest

from benchmarks.orders import __main__ as command
from benchmarks.orders.children import CONTENDERS
from benchmarks.orders.measuring import BURSTS, REACTION, ROUND_TRIPS_MS, Measured
from benchmarks.orders.tap import Tap

MS = 1_000_000


async def echoed(round_trip_ms: int, pieces: int) -> tuple[bytes, int, list[tuple[bytes, int]]]:
    """What comes back of bytes sent through a tap, after how long, and what the tap heard."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1_000):
            writer.write(piece)
        writer.close()

    heard: list[tuple[bytes, int]] = []
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Tap(server.sockets[0].getsockname()[1], round_trip_ms) as tap:
        tap.from_client = tap.to_client = lambda piece, at_ns: heard.append((piece, at_ns))
        reader, writer = await asyncio.open_connection("127.0.0.1", tap.port)
        since = time.perf_counter_ns()
        for number in range(pieces):
            writer.write(b"%d," % number)
            await writer.drain()
        answer = await reader.readexactly(2 * pieces)
        took = time.perf_counter_ns() - since
        writer.close()
        await reader.read()
    return answer, took, heard


def test_tap__a_round_trip_of_20_ms__bytes_come_back_in_order_that_much_later() -> None:
    answer, took, heard = asyncio.run(echoed(20, 8))

    assert answer == b"0,1,2,3,4,5,6,7,"
    assert took >= 20 * MS
    assert heard[-1][1] - heard[0][1] >= 20 * MS


def measured() -> Measured:
    found = Measured()
    for contender in CONTENDERS:
        found.orders[contender.name] = 3
        for trip in ROUND_TRIPS_MS:
            for kind in (*BURSTS, REACTION):
                found.samples[contender.name, trip, kind] = [3 * MS, MS, 2 * MS]
    return found


def test_write__between_the_marks__replaces_the_former_table_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{command.BEGIN}\nformer\n{command.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(command, "README", page)

    command._write(command._said(measured(), 7))

    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{command.BEGIN}\n`python -m benchmarks.orders --rounds 7")
    assert written.endswith(f"\n{command.END}\nafter\n")
    assert "former" not in written
    assert "| single order | 0 ms | 3 | 2.00 / 3.00 | 2.00 / 3.00 | 2.00 / 3.00 |" in written


def test_write__page_without_the_marks__refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "README.md"
    page.write_text("nothing\n", encoding="utf-8")
    monkeypatch.setattr(command, "README", page)

    with pytest.raises(ValueError, match="no place for the table"):
        command._write("table")

    assert page.read_text(encoding="utf-8") == "nothing\n"
