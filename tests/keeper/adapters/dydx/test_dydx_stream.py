"""The websocket transport: sequence, closing codes, and no foreign exception gets out."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.venues.dydx.stream import SequenceGap, Stream

Script = Callable[[ServerConnection], Awaitable[None]]


def over(script: Script, use: Callable[[Stream], Awaitable[Any]]) -> Any:
    """Run one use of a stream against a server that follows a script."""

    async def main() -> Any:
        async with serve(script, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            stream = await Stream.open(f"ws://127.0.0.1:{port}", 2_000)
            try:
                return await use(stream)
            finally:
                await stream.close()

    return asyncio.run(main())


def sends(*messages: Any) -> Script:
    async def script(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message if isinstance(message, str) else json.dumps(message))
        await connection.wait_closed()

    return script


async def three(stream: Stream) -> list[int]:
    return [(await stream.receive()).message_id for _ in range(3)]


def message(number: int) -> dict[str, Any]:
    return {"type": "channel_data", "message_id": number, "channel": "v4_markets", "contents": {}}


def test_receive__ids_in_order__passed_on() -> None:
    assert over(sends(message(0), message(1), message(2)), three) == [0, 1, 2]


@pytest.mark.parametrize(
    ("ids", "expected", "received"), [((0, 2), 1, 2), ((0, 0), 1, 0), ((3,), 0, 3)]
)
def test_receive__id_skipped_or_repeated__sequence_gap(
    ids: tuple[int, ...], expected: int, received: int
) -> None:
    with pytest.raises(SequenceGap) as caught:
        over(sends(*map(message, ids)), three)

    assert (caught.value.expected, caught.value.received) == (expected, received)


@pytest.mark.parametrize("payload", ["", "{", "[]", '{"message_id": 0}'])
def test_receive__foreign_payload__wire_error(payload: str) -> None:
    with pytest.raises(WireError):
        over(sends(payload), three)


@pytest.mark.parametrize("code", [1000, 1008, 1011, 1012])
def test_receive__server_closes__venue_unavailable_with_the_code(code: int) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.close(code, "service restart")

    with pytest.raises(VenueUnavailable, match=str(code)):
        over(script, three)


def test_receive__connection_cut__venue_unavailable() -> None:
    async def script(connection: ServerConnection) -> None:
        connection.transport.abort()

    with pytest.raises(VenueUnavailable, match="connection lost"):
        over(script, three)


def test_subscribe__any_channel__unbatched() -> None:
    seen: list[Any] = []

    async def script(connection: ServerConnection) -> None:
        seen.append(json.loads(await connection.recv()))
        seen.append(json.loads(await connection.recv()))
        await connection.send(json.dumps(message(0)))
        await connection.wait_closed()

    async def use(stream: Stream) -> None:
        await stream.subscribe("v4_orderbook", "ETH-USD")
        await stream.subscribe("v4_block_height")
        await stream.receive()

    over(script, use)

    assert seen == [
        {"type": "subscribe", "channel": "v4_orderbook", "batched": False, "id": "ETH-USD"},
        {"type": "subscribe", "channel": "v4_block_height", "batched": False},
    ]


def test_subscribe__connection_cut__venue_unavailable() -> None:
    async def script(connection: ServerConnection) -> None:
        connection.transport.abort()

    async def use(stream: Stream) -> None:
        for _ in range(100):
            await stream.subscribe("v4_markets")
            await asyncio.sleep(0.01)

    with pytest.raises(VenueUnavailable):
        over(script, use)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1", "http://127.0.0.1:1", "ws://", "nonsense"])
def test_open__nobody_there_or_no_url__venue_unavailable(url: str) -> None:
    with pytest.raises(VenueUnavailable):
        asyncio.run(Stream.open(url, 500))


def test_open__server_that_speaks_something_else__venue_unavailable() -> None:
    async def main() -> None:
        async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await Stream.open(f"ws://127.0.0.1:{port}", 500)

    with pytest.raises(VenueUnavailable):
        asyncio.run(main())


def test_open__no_handshake__venue_unavailable_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(VenueUnavailable):
            asyncio.run(Stream.open(f"ws://127.0.0.1:{port}", 100))
