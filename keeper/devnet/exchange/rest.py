"""Owns the indexer's REST answers under /v4."""

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import streams, views
from .candles import RESOLUTIONS
from .decimals import fraction, iso
from .indexer import Indexer
from .limits import RequestLimit
from .model import SubaccountId
from .rest_queries import (
    BadRequest,
    NotFound,
    children,
    chosen,
    moment,
    number,
    page_of,
    subaccount_key,
    subaccount_keys,
    text,
)
from .rows import OrderRow

__all__ = ["rest_app"]

Json = dict[str, Any]
Faucet = Callable[[SubaccountId, int], None]
CREATED = ("createdBeforeOrAtHeight", "createdBeforeOrAt")


class RestApi:
    """Handlers over one indexer."""

    def __init__(self, indexer: Indexer) -> None:
        self.ix = indexer

    def _market(self, request: Request) -> int:
        try:
            return streams.market_id(self.ix, request.path_params["ticker"])
        except streams.UnknownSubscription as error:
            raise BadRequest(f"ticker {error} is not a market", "ticker") from error

    # Markets

    async def perpetual_markets(self, request: Request) -> Response:
        """Every market, or the one named by `ticker` or `market`."""
        shapes = streams.markets(self.ix)
        named = request.query_params.get("ticker") or request.query_params.get("market")
        if named is None:
            return JSONResponse(shapes)
        if named not in shapes["markets"]:
            raise BadRequest(f"ticker {named} is not a market", "ticker")
        return JSONResponse({"markets": {named: shapes["markets"][named]}})

    async def orderbook(self, request: Request) -> Response:
        """The best 100 levels a side."""
        shape = views.orderbook(self.ix, self._market(request))
        return JSONResponse(shape, headers={"Cache-Control": "max-age=1"})

    async def trades(self, request: Request) -> Response:
        """Newest trades first."""
        rows = self.ix.markets[self._market(request)].trades
        page = page_of(request, *CREATED)
        kept = chosen(rows, page, lambda row: (row.height, row.time_ns))
        return JSONResponse({"trades": [views.trade(self.ix, row) for row in kept]})

    async def candles(self, request: Request) -> Response:
        """Newest candles first."""
        market_id = self._market(request)
        resolution = text(request, "resolution")
        if resolution not in RESOLUTIONS:
            raise BadRequest(f"resolution must be one of {', '.join(RESOLUTIONS)}", "resolution")
        from_ns = moment(request, "fromISO") or 0
        to_ns = moment(request, "toISO") or self.ix.time_ns + 1
        rows = self.ix.markets[market_id].candles.between(resolution, from_ns, to_ns)
        limit = number(request, "limit", 100)
        shapes = [views.candle(self.ix, market_id, resolution, row) for row in rows[:limit]]
        return JSONResponse({"candles": shapes})

    async def historical_funding(self, request: Request) -> Response:
        """Newest funding ticks first."""
        rows = self.ix.markets[self._market(request)].funding
        page = page_of(request, "effectiveBeforeOrAtHeight", "effectiveBeforeOrAt")
        kept = chosen(rows, page, lambda row: (row.height, row.time_ns))
        shapes = [views.historical_funding(self.ix, row) for row in kept]
        return JSONResponse({"historicalFunding": shapes})

    async def sparklines(self, request: Request) -> Response:
        """Closing prices: hourly over a day, four-hourly over seven days; newest first."""
        period = text(request, "timePeriod")
        shapes = {"ONE_DAY": ("1HOUR", 1), "SEVEN_DAYS": ("4HOURS", 7)}
        if period not in shapes:
            raise BadRequest("timePeriod must be ONE_DAY or SEVEN_DAYS", "timePeriod")
        resolution, days = shapes[period]
        since = self.ix.time_ns - days * views.DAY_NS
        lines = {}
        for market_id, row in self.ix.markets.items():
            market = views.market_of(self.ix, market_id)
            rows = row.candles.between(resolution, since, self.ix.time_ns + 1)
            lines[market.ticker] = [views.price(market, candle.close) for candle in rows]
        return JSONResponse(lines)

    # Accounts

    async def address(self, request: Request) -> Response:
        """Every subaccount of an address."""
        owner = request.path_params["address"]
        keys = [key for key, _ in self.ix.state.subaccounts.items() if key.owner == owner]
        if not keys:
            raise NotFound(f"No subaccounts found for address {owner}")
        shapes = [views.subaccount(self.ix, key) for key in sorted(keys)]
        return JSONResponse({"subaccounts": shapes, "totalTradingRewards": "0"})

    def _path_key(self, request: Request) -> SubaccountId:
        return SubaccountId(request.path_params["address"], request.path_params["number"])

    async def subaccount(self, request: Request) -> Response:
        """One subaccount."""
        key = self._path_key(request)
        shape = views.subaccount(self.ix, key)
        if shape is None:
            raise NotFound(
                f"No subaccount found with address {key.owner} and subaccountNumber {key.number}"
            )
        return JSONResponse({"subaccount": shape})

    async def parent_subaccount(self, request: Request) -> Response:
        """A parent with its children."""
        key = self._path_key(request)
        keys = children(self.ix, key)
        if not keys:
            raise NotFound(
                f"No subaccount found with address {key.owner} and "
                f"parentSubaccountNumber {key.number}"
            )
        worth = [views.worth(self.ix, views.settled_account(self.ix, child)) for child in keys]
        shape = {
            "address": key.owner,
            "parentSubaccountNumber": key.number,
            "equity": fraction(sum((equity for equity, _ in worth), Fraction(0))),
            "freeCollateral": fraction(sum((free for _, free in worth), Fraction(0))),
            "childSubaccounts": [views.subaccount(self.ix, child) for child in keys],
        }
        return JSONResponse({"subaccount": shape})

    def _positions(self, keys: list[SubaccountId], request: Request) -> Response:
        rows = [row for key in keys for row in self.ix.closed.get(key, ())]
        rows += [row for (key, _), row in self.ix.positions.items() if key in keys]
        rows.sort(key=lambda row: (row.opened_height, row.event_id))
        page = page_of(request, *CREATED)
        kept = chosen(rows, page, lambda row: (row.opened_height, row.opened_ns))
        wanted = request.query_params.get("status")
        shapes = [views.position(self.ix, row) for row in kept]
        shapes = [s for s in shapes if wanted is None or s["status"] in wanted.split(",")]
        return JSONResponse({"positions": shapes})

    async def positions(self, request: Request) -> Response:
        """Perpetual positions of a subaccount."""
        return self._positions([subaccount_key(request)], request)

    async def parent_positions(self, request: Request) -> Response:
        """Perpetual positions of a parent's children."""
        return self._positions(subaccount_keys(request, self.ix), request)

    def _assets(self, keys: list[SubaccountId]) -> Response:
        shapes = [
            asset
            for key in keys
            for asset in views.asset_positions(key, views.settled_account(self.ix, key))
        ]
        return JSONResponse({"positions": shapes})

    async def assets(self, request: Request) -> Response:
        """Asset positions of a subaccount."""
        return self._assets([subaccount_key(request)])

    async def parent_assets(self, request: Request) -> Response:
        """Asset positions of a parent's children."""
        return self._assets(subaccount_keys(request, self.ix))

    # Orders, fills, transfers, funding

    def _matches(self, row: OrderRow, keys: list[SubaccountId], request: Request) -> bool:
        query, order = request.query_params, row.order
        market = views.market_of(self.ix, order.id.clob_pair_id)
        until = query.get("goodTilBlockBeforeOrAt")
        checks = (
            order.id.subaccount in keys,
            query.get("ticker", market.ticker) == market.ticker,
            query.get("side", order.side.name) == order.side.name,
            row.status in query.get("status", row.status).split(","),
            query.get("type", "LIMIT") == "LIMIT",
            until is None or order.good_til_block <= number(request, "goodTilBlockBeforeOrAt"),
        )
        return all(checks)

    def _orders(self, keys: list[SubaccountId], request: Request) -> Response:
        rows = [row for row in self.ix.orders.values() if self._matches(row, keys, request)]
        limit = number(request, "limit", 1_000)
        return JSONResponse([views.order(self.ix, row) for row in rows[::-1][:limit]])

    async def orders(self, request: Request) -> Response:
        """Orders of a subaccount: a bare array, newest first."""
        return self._orders([subaccount_key(request)], request)

    async def parent_orders(self, request: Request) -> Response:
        """Orders of a parent's children."""
        return self._orders(subaccount_keys(request, self.ix), request)

    async def order(self, request: Request) -> Response:
        """One order by its id."""
        identity = str(request.path_params["id"])
        row = self.ix.orders.get(identity)
        if row is None:
            raise NotFound(f"Unable to find order id {identity}")
        return JSONResponse(views.order(self.ix, row))

    def _fills(self, keys: list[SubaccountId], request: Request) -> Response:
        rows = [row for key in keys for row in self.ix.fills.get(key, ())]
        rows.sort(key=lambda row: row.event_id)
        named = request.query_params.get("market")
        if named is not None:
            rows = [r for r in rows if views.ticker(self.ix, r.market_id) == named]
        page = page_of(request, *CREATED)
        kept = chosen(rows, page, lambda row: (row.height, row.time_ns))
        return JSONResponse({"fills": [views.fill(self.ix, row) for row in kept]})

    async def fills(self, request: Request) -> Response:
        """Fills of a subaccount, newest first; filters by `market`, never by `ticker`."""
        return self._fills([subaccount_key(request)], request)

    async def parent_fills(self, request: Request) -> Response:
        """Fills of a parent's children."""
        return self._fills(subaccount_keys(request, self.ix), request)

    def _transfers(self, keys: list[SubaccountId], request: Request) -> Response:
        shapes = []
        for key in keys:
            rows = self.ix.transfers.get(key.owner, ())
            mine = [row for row in rows if key in views.transfer_parties(row)]
            kept = chosen(mine, page_of(request, *CREATED), lambda r: (r.height, r.time_ns))
            shapes += [views.transfer(row, key.owner, key.number) for row in kept]
        return JSONResponse({"transfers": shapes})

    async def transfers(self, request: Request) -> Response:
        """Transfers of a subaccount, newest first."""
        return self._transfers([subaccount_key(request)], request)

    async def parent_transfers(self, request: Request) -> Response:
        """Transfers of a parent's children."""
        return self._transfers(subaccount_keys(request, self.ix), request)

    async def transfers_between(self, request: Request) -> Response:
        """Transfers from one subaccount to another, with the net sum."""
        source = SubaccountId(
            text(request, "sourceAddress"), number(request, "sourceSubaccountNumber")
        )
        target = SubaccountId(
            text(request, "recipientAddress"), number(request, "recipientSubaccountNumber")
        )
        rows = [
            row
            for row in self.ix.transfers.get(source.owner, ())
            if set(views.transfer_parties(row)) == {source, target}
        ]
        out = sum(row.amount for row in rows if row.sender_number == source.number)
        back = sum(row.amount for row in rows) - out
        kept = chosen(rows, page_of(request, *CREATED), lambda r: (r.height, r.time_ns))
        shapes = [views.transfer(row, source.owner, source.number) for row in kept]
        total = views.usd(out - back)
        return JSONResponse({"transfersSubset": shapes, "totalNetTransfers": total})

    def _payments(self, keys: list[SubaccountId], request: Request) -> Response:
        rows = [row for key in keys for row in self.ix.payments.get(key, ())]
        rows.sort(key=lambda row: (row.height, row.time_ns))
        named = request.query_params.get("ticker")
        after = moment(request, "afterOrAt")
        rows = [
            row
            for row in rows
            if (named is None or views.ticker(self.ix, row.market_id) == named)
            and (after is None or row.time_ns >= after)
        ]
        limit = number(request, "limit", 1_000)
        start = (max(number(request, "page", 1), 1) - 1) * limit
        kept = rows[::-1][start : start + limit]
        return JSONResponse(
            {"fundingPayments": [views.funding_payment(self.ix, row) for row in kept]}
        )

    async def payments(self, request: Request) -> Response:
        """Funding payments of a subaccount, newest first."""
        return self._payments([subaccount_key(request)], request)

    async def parent_payments(self, request: Request) -> Response:
        """Funding payments of a parent's children."""
        return self._payments(subaccount_keys(request, self.ix), request)

    # Status

    async def time(self, _: Request) -> Response:
        """Time of the last block."""
        epoch = self.ix.time_ns // 10**6 / 1_000
        return JSONResponse({"iso": iso(self.ix.time_ns), "epoch": epoch})

    async def height(self, _: Request) -> Response:
        """Last block."""
        return JSONResponse(views.block(self.ix))

    async def screen(self, request: Request) -> Response:
        """Nobody is restricted here."""
        text(request, "address")
        return JSONResponse({"restricted": False})

    async def compliance(self, _: Request) -> Response:
        """Everybody is compliant here."""
        return JSONResponse({"status": "COMPLIANT"})


def _bad_request(_: Request, error: Exception) -> Response:
    detail = {"msg": str(error)}
    if isinstance(error, BadRequest):
        detail = {"msg": error.text, "param": error.parameter, "location": "query"}
    return JSONResponse({"errors": [detail]}, status_code=400)


def _not_found(_: Request, error: Exception) -> Response:
    return JSONResponse({"errors": [{"msg": str(error)}]}, status_code=404)


def _faucet_route(faucet: Faucet) -> Route:
    async def tokens(request: Request) -> Response:
        body = await request.json()
        amount = int(str(body["amount"])) * 10**6
        faucet(SubaccountId(body["address"], int(body["subaccountNumber"])), amount)
        return JSONResponse({}, status_code=202)

    return Route("/faucet/tokens", tokens, methods=["POST"])


def rest_app(indexer: Indexer, requests_per_10s: int, faucet: Faucet | None) -> Starlette:
    """Return the REST application; `faucet` None leaves the faucet out."""
    api = RestApi(indexer)
    sub = "/v4/addresses/{address}"
    routes = [
        Route("/v4/perpetualMarkets", api.perpetual_markets),
        Route("/v4/orderbooks/perpetualMarket/{ticker}", api.orderbook),
        Route("/v4/trades/perpetualMarket/{ticker}", api.trades),
        Route("/v4/candles/perpetualMarkets/{ticker}", api.candles),
        Route("/v4/historicalFunding/{ticker}", api.historical_funding),
        Route("/v4/sparklines", api.sparklines),
        Route(sub, api.address),
        Route(sub + "/subaccountNumber/{number:int}", api.subaccount),
        Route(sub + "/parentSubaccountNumber/{number:int}", api.parent_subaccount),
        Route("/v4/perpetualPositions", api.positions),
        Route("/v4/perpetualPositions/parentSubaccountNumber", api.parent_positions),
        Route("/v4/assetPositions", api.assets),
        Route("/v4/assetPositions/parentSubaccountNumber", api.parent_assets),
        Route("/v4/orders", api.orders),
        Route("/v4/orders/parentSubaccountNumber", api.parent_orders),
        Route("/v4/orders/{id}", api.order),
        Route("/v4/fills", api.fills),
        Route("/v4/fills/parentSubaccountNumber", api.parent_fills),
        Route("/v4/transfers", api.transfers),
        Route("/v4/transfers/parentSubaccountNumber", api.parent_transfers),
        Route("/v4/transfers/between", api.transfers_between),
        Route("/v4/fundingPayments", api.payments),
        Route("/v4/fundingPayments/parentSubaccount", api.parent_payments),
        Route("/v4/time", api.time),
        Route("/v4/height", api.height),
        Route("/v4/screen", api.screen),
        Route("/v4/compliance/screen/{address}", api.compliance),
    ]
    if faucet is not None:
        routes.append(_faucet_route(faucet))
    limited = [Middleware(RequestLimit, limit=requests_per_10s, now=time.monotonic)]
    return Starlette(
        routes=routes,
        middleware=limited if requests_per_10s else [],
        exception_handlers={BadRequest: _bad_request, NotFound: _not_found},
    )
