"""Owns the gRPC plumbing: routes, state at height, errors as status codes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from .chain import Chain
from .events import Event
from .node import Node, NodeFailed
from .store import State

__all__ = ["Context", "Publish", "RpcError", "Route", "serve_routes"]

HEIGHT_KEY = "x-cosmos-block-height"
STATUSES = {
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "busy": grpc.StatusCode.RESOURCE_EXHAUSTED,
}
Publish = Callable[[tuple[Event, ...]], None]


class RpcError(Exception):
    """A query was refused; raised by handlers, answered with its status."""

    def __init__(self, status: grpc.StatusCode, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler answers from: the node, its chain, and the state at the height asked for."""

    node: Node
    chain: Chain
    state: State
    height: int
    publish: Publish


Handler = Callable[[Context, Any], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One unary method."""

    service: str
    method: str
    request: type[Message]
    handler: Handler


def context_at(node: Node, publish: Publish, asked: str | None) -> Context:
    """Return the context of a request. Raises RpcError for a height that is not kept."""
    chain, latest = node.chain, node.height
    if not asked or asked == "0":
        state = chain.state if latest == chain.height else chain.state.at(latest)
        return Context(node, chain, state, latest, publish)
    if not asked.isdecimal():
        raise RpcError(grpc.StatusCode.INVALID_ARGUMENT, f"{HEIGHT_KEY}: {asked!r}")
    height = int(asked)
    if height not in chain.blocks or height > latest:
        text = (
            f"failed to load state at height {height}; version does not exist "
            f"(latest height: {latest}): invalid request"
        )
        raise RpcError(grpc.StatusCode.INVALID_ARGUMENT, text)
    return Context(node, chain, chain.state.at(height), height, publish)


def _asked_height(context: "grpc.aio.ServicerContext[Message, Message]") -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == HEIGHT_KEY:
            return value if isinstance(value, str) else value.decode()
    return None


def _unary(
    node: Node, publish: Publish, handler: Handler
) -> Callable[[Message, "grpc.aio.ServicerContext[Message, Message]"], Awaitable[Message]]:
    async def answer(
        request: Message, context: "grpc.aio.ServicerContext[Message, Message]"
    ) -> Message:
        try:
            delay = node.delay_seconds()
            if delay:
                await asyncio.sleep(delay)
            asked = context_at(node, publish, _asked_height(context))
            response: Message = handler(asked, request)
        except NodeFailed as failure:
            await context.abort(STATUSES[failure.kind], str(failure))
        except RpcError as error:
            await context.abort(error.status, error.text)
        await context.send_initial_metadata(((HEIGHT_KEY, str(asked.height)),))
        return response

    return answer


def serve_routes(
    server: grpc.aio.Server, routes: list[Route], node: Node, publish: Publish
) -> None:
    """Add every route to the server."""
    by_service: dict[str, dict[str, grpc.RpcMethodHandler[Message, Message]]] = {}
    for route in routes:
        by_service.setdefault(route.service, {})[route.method] = (
            grpc.unary_unary_rpc_method_handler(
                _unary(node, publish, route.handler),
                request_deserializer=route.request.FromString,
                response_serializer=_serialize,
            )
        )
    for service, handlers in by_service.items():
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
