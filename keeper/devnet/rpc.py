"""A JSON-RPC caller for the local node: one pooled connection, errors raised, nothing retried."""

import asyncio
import itertools
from typing import Any

import httpx

__all__ = ["JsonRpc", "RpcError"]


class RpcError(Exception):
    """Raised when the node answers with an error; carries the method."""


class JsonRpc:
    """Calls one node; close it when done."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.AsyncClient(timeout=30)
        self._ids = itertools.count(1)
        self.sending = asyncio.Lock()
        """Held while the node signs: two at once from one account would get the same nonce."""

    async def call(self, method: str, *params: Any) -> Any:
        """Return the result. Raises RpcError, httpx.HTTPError."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        answer = (await self._client.post(self.url, json=body)).json()
        if "error" in answer:
            raise RpcError(f"{method}: {answer['error']}")
        return answer["result"]

    async def close(self) -> None:
        await self._client.aclose()
