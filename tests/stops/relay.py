"""Stands between a keeper and its node: passes on, hangs up, or shows the chain as it was."""

import asyncio
import contextlib
from typing import Final

import httpx

__all__ = ["NodeRelay"]

_LATEST: Final = b'"latest"'
_LENGTH: Final = b"content-length:"


class NodeRelay:
    """A JSON-RPC endpoint on loopback in front of a node.

    `pin` answers every question about the newest block with the block of that moment, as a node
    does that no longer hears from its peers; `cut` takes the endpoint away.
    """

    def __init__(self, node_url: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._node_url = node_url
        self._node = httpx.AsyncClient(timeout=30)
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self._latest = _LATEST

    async def open(self) -> None:
        """Listen, again after a cut, and answer with the newest block there is."""
        self._latest = _LATEST
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def pin(self) -> None:
        """From now on the newest block is the one of now."""
        question = b'{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}'
        self._latest = b'"' + (await self._ask(question)).json()["result"].encode() + b'"'

    async def cut(self) -> None:
        """Hang up and listen no more."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for line in list(self._lines):
            line.close()

    async def close(self) -> None:
        """End for good."""
        await self.cut()
        await self._node.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    await self._answer(reader, writer)
        finally:
            self._lines.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(each[len(_LENGTH) :]) for each in lines if each.startswith(_LENGTH))
        asked = await reader.readexactly(length)
        answer = await self._ask(asked.replace(_LATEST, self._latest))
        body = answer.content
        said = f"HTTP/1.1 {answer.status_code} -\r\ncontent-type: application/json\r\n"
        writer.write(said.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async def _ask(self, body: bytes) -> httpx.Response:
        headers = {"content-type": "application/json"}
        return await self._node.post(self._node_url, content=body, headers=headers)
