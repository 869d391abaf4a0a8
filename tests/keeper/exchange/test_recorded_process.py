"""A recording that this test makes, played by a running exchange: what its clients are shown."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import websockets

from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.config import RecordedConfig
from keeper.devnet.exchange.model import SubaccountId
from keeper.devnet.recorded_data import find_recordings
from keeper.devnet.tape import Tape, write_tape
from tests.keeper.exchange.wallets import Trader
from tests.keeper.recorded import Lines

MAKER, TAKER = Trader(8), Trader(9)


def recording() -> Lines:
    """A book of one level a side, then a buyer of 0.4 ETH, then a book one USD higher."""
    lines = Lines("ETHUSDT", clock_off_ms=1_500)
    lines.depth(0, (90, 91, 95))
    lines.snapshot(10, 100, [("3000.03", "2")], [("3000.17", "3")])
    lines.depth(1_000, (95, 96, 110), bids=[("3000.03", "1.5")])
    lines.trade(2_000, "3000.17", "0.4", sold=False)
    gone = ([("3000.03", "0"), ("3001.03", "1")], [("3000.17", "0"), ("3001.17", "2")])
    lines.depth(3_000, (110, 111, 120), *gone)
    lines.depth(4_000, (120, 121, 130), bids=[("2999.03", "1")])
    return lines


def write_clock(path: Path, tape: Tape, seconds: float) -> None:
    """Let the tape's clock stand so long after its start."""
    shape = {
        "anchor_wall_ns": time.time_ns(),
        "anchor_world_ns": tape.start_ns + int(seconds * 10**9),
        "rate_ppm": 1_000_000,
        "paused": True,
    }
    path.write_text(json.dumps(shape))


def config(tape: Tape, clock: Path) -> ExchangeConfig:
    recorded = RecordedConfig(
        tape_path=str(tape.path),
        from_ns=tape.from_ns,
        clock_path=str(clock),
        maker=MAKER.address,
        taker=TAKER.address,
    )
    return ExchangeConfig(recorded=recorded)


async def book(rest: httpx.AsyncClient) -> dict[str, Any]:
    """The book as the indexer shows it, as (price, size)."""
    shape = (await rest.get("/v4/orderbooks/perpetualMarket/ETH-USD")).json()
    return {
        side: [(level["price"], level["size"]) for level in shape[side]]
        for side in ("bids", "asks")
    }


def test_exchange__on_a_recording__shows_its_book_and_trades(tmp_path: Path) -> None:
    recording().write(tmp_path / "usdm_ethusdt.gz")
    tape = write_tape(find_recordings(tmp_path), tmp_path / "tape.jsonl")
    asyncio.run(_shows(tape, tmp_path / "tape.clock.json"))


async def _shows(tape: Tape, clock: Path) -> None:
    write_clock(clock, tape, 0)
    async with (
        Exchange(config(tape, clock)) as exchange,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{exchange.ports.rest}") as rest,
        websockets.connect(f"ws://127.0.0.1:{exchange.ports.websocket}/") as socket,
    ):
        for account in (MAKER, TAKER):
            exchange.chain.faucet(SubaccountId(account.address, 0), 10**12)
        exchange.make_block()
        assert await book(rest) == {"bids": [("3000", "1.5")], "asks": [("3000.2", "3")]}
        subscription = {"type": "subscribe", "channel": "v4_trades", "id": "ETH-USD"}
        await socket.send(json.dumps(subscription))
        await answer(socket, "subscribed")

        write_clock(clock, tape, 1.5)
        exchange.make_block()
        assert await traded(socket) == [("BUY", "3000.2", "0.4")]

        for second in (2.5, 60):
            write_clock(clock, tape, second)
            exchange.make_block()
            shown = await book(rest)
            assert shown["asks"] == [("3001.2", "2")]
            assert shown["bids"][0] == ("3001", "1")


async def answer(socket: Any, kind: str) -> Any:
    """The next message of a kind."""
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 30))
        if message["type"] == kind:
            return message


async def traded(socket: Any) -> list[tuple[str, str, str]]:
    """The trades of the next message that tells any."""
    message = await answer(socket, "channel_data")
    trades = message["contents"]["trades"]
    return [(trade["side"], trade["price"], trade["size"]) for trade in trades]
