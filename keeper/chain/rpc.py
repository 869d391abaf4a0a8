"""JSON-RPC over one pooled HTTP connection; foreign failures become ours here."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from keeper.domain.errors import AthanorError, ChainUnavailable

__all__ = ["Answer", "JsonRpc", "NodeRefused", "RpcFailure", "quantity", "shown_url"]


@dataclass(frozen=True, slots=True)
class RpcFailure:
    """A node's own "no" to one request: code, words, and revert data (0x) where it is one."""

    code: int
    message: str
    data: str = ""


class NodeRefused(AthanorError):
    """Raised when the node answers a single request with an error; handled inside this package."""

    def __init__(self, failure: RpcFailure) -> None:
        super().__init__(f"node answered {failure.code}: {failure.message}")
        self.failure = failure


Answer = Any | RpcFailure


def shown_url(url: str) -> str:
    """Write an endpoint for people: providers put credentials in the path, the query or before @.

    Scheme, host and port stay; what lies before and behind them does not.
    """
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "an endpoint that is no URL"
    port = "" if parts.port is None else f":{parts.port}"
    rest = "/…" if parts.raw_path not in (b"", b"/") else ""
    return f"{parts.scheme}://{parts.host}{port}{rest}"


def quantity(value: str | int) -> int:
    """Read a JSON-RPC quantity. Raises ValueError."""
    return value if isinstance(value, int) else int(value, 16)


def _words(error: Exception, url: str) -> str:
    return f"{type(error).__name__} {error}".replace(url, shown_url(url)).strip()


def _failure(error: dict[str, Any]) -> RpcFailure:
    data = error.get("data")
    if isinstance(data, dict):
        data = data.get("data", "")
    text = data if isinstance(data, str) and data.startswith("0x") else ""
    return RpcFailure(int(error.get("code", 0)), str(error.get("message", "")), text)


class JsonRpc:
    """A node's JSON-RPC endpoint. Every method raises ChainUnavailable if it is unreachable."""

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: int = 10,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url
        self.shown_url = shown_url(url)
        self._client = httpx.AsyncClient(timeout=timeout_seconds, transport=transport)
        self._ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, *params: Any) -> Any:
        """Ask one thing. Raises NodeRefused on the node's error answer."""
        (answer,) = await self.batch([(method, list(params))])
        if isinstance(answer, RpcFailure):
            raise NodeRefused(answer)
        return answer

    async def batch(self, requests: Sequence[tuple[str, list[Any]]]) -> list[Answer]:
        """Ask several things in one round trip; answers come in the order asked."""
        body = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
            for method, params in requests
        ]
        answers = await self._post(body)
        by_id = {item.get("id"): item for item in answers}
        missing = [item["method"] for item in body if item["id"] not in by_id]
        if missing:
            raise ChainUnavailable(f"{self.shown_url} left {missing[0]} unanswered")
        return [self._result(by_id[item["id"]]) for item in body]

    async def check_chain(self, chain_id: int) -> None:
        """Make sure the node serves that chain. Raises ChainUnavailable."""
        found = quantity(await self.call("eth_chainId"))
        if found != chain_id:
            raise ChainUnavailable(
                f"{self.shown_url} serves chain {found}, expected {chain_id}",
                next_step="correct the RPC URL or the chain id in the configuration",
            )

    async def _post(self, body: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            response = await self._client.post(self.url, json=body)
            response.raise_for_status()
            answers = response.json()
        except httpx.HTTPStatusError as error:
            # Its own words hold the whole URL.
            raise ChainUnavailable(
                f"{self.shown_url} answers HTTP {error.response.status_code}",
                next_step="correct the RPC URL, or ask the provider",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ChainUnavailable(
                f"{self.shown_url} cannot be reached: {_words(error, self.url)}",
                next_step="start the node or correct the RPC URL",
            ) from error
        if isinstance(answers, dict):
            answers = [answers]
        if not isinstance(answers, list) or not all(isinstance(item, dict) for item in answers):
            raise ChainUnavailable(f"{self.shown_url} does not speak batched JSON-RPC")
        return answers

    @staticmethod
    def _result(item: dict[str, Any]) -> Answer:
        return _failure(item["error"]) if "error" in item else item.get("result")
