"""Owns the indexer's REST application under /v4, its refusals and the faucet."""

import time
from collections.abc import Callable
from fractions import Fraction

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .addresses import is_address
from .faults import Faults
from .limits import FaultyAnswers, RequestLimit
from .model import SubaccountId
from .rest_accounts import account_routes
from .rest_history import history_routes
from .rest_markets import market_routes
from .rest_queries import BadRequest, NotFound
from .tables import Tables

__all__ = ["rest_app"]

Faucet = Callable[[SubaccountId, int], None]


def _bad_request(_: Request, error: Exception) -> Response:
    detail = {"msg": str(error)}
    if isinstance(error, BadRequest):
        detail = {"msg": error.text, "param": error.parameter, "location": "query"}
    return JSONResponse({"errors": [detail]}, status_code=400)


def _not_found(_: Request, error: Exception) -> Response:
    return JSONResponse({"errors": [{"msg": str(error)}]}, status_code=404)


def _faucet_routes(faucet: Faucet) -> list[Route]:
    async def tokens(request: Request) -> Response:
        try:
            body = await request.json()
            whole = Fraction(str(body["amount"])) * 10**6
            key = SubaccountId(str(body["address"]), int(body["subaccountNumber"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BadRequest(f"body is malformed: {error!r}", "body") from error
        if whole.denominator != 1 or whole <= 0 or not is_address(key.owner):
            raise BadRequest("a dYdX address and a positive amount of USDC are needed", "amount")
        faucet(key, int(whole))
        return JSONResponse({}, status_code=202)

    async def native(request: Request) -> Response:
        """Gas is paid in USDC here, so that there is no other token to give."""
        if not is_address(str((await request.json()).get("address"))):
            raise BadRequest("a dYdX address is needed", "address")
        return JSONResponse({}, status_code=202)

    return [
        Route("/faucet/tokens", tokens, methods=["POST"]),
        Route("/faucet/native-token", native, methods=["POST"]),
    ]


def rest_app(
    tables: Tables, faults: Faults, requests_per_10s: int, faucet: Faucet | None
) -> Starlette:
    """Return the REST application; `faucet` None leaves the faucet out."""
    routes = market_routes(tables) + account_routes(tables) + history_routes(tables)
    if faucet is not None:
        routes += _faucet_routes(faucet)
    middleware = [Middleware(FaultyAnswers, faults=faults)]
    if requests_per_10s:
        middleware.append(Middleware(RequestLimit, limit=requests_per_10s, now=time.monotonic))
    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={BadRequest: _bad_request, NotFound: _not_found},
    )
