"""Owns the indexer's REST answers about markets and about itself."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import streams, views_market
from .candles import RESOLUTIONS
from .decimals import iso
from .rest_queries import BadRequest, chosen, moment, number, page_of, text
from .tables import Tables

__all__ = ["market_routes"]

CREATED = ("createdBeforeOrAtHeight", "createdBeforeOrAt")


class MarketApi:
    """Handlers over the indexer's tables."""

    def __init__(self, tables: Tables) -> None:
        self.ix = tables

    def _market(self, request: Request) -> int:
        try:
            return streams.market_id(self.ix, request.path_params["ticker"])
        except streams.UnknownSubscription as error:
            raise BadRequest(f"ticker {error} is not a market", "ticker") from error

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
        shape = views_market.orderbook(self.ix, self._market(request))
        return JSONResponse(shape, headers={"Cache-Control": "max-age=1"})

    async def trades(self, request: Request) -> Response:
        """Newest trades first."""
        rows = self.ix.markets[self._market(request)].trades
        page = page_of(request, *CREATED)
        kept = chosen(rows, page, lambda row: (row.height, row.time_ns))
        return JSONResponse({"trades": [views_market.trade(self.ix, row) for row in kept]})

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
        shapes = [views_market.candle(self.ix, market_id, resolution, row) for row in rows[:limit]]
        return JSONResponse({"candles": shapes})

    async def historical_funding(self, request: Request) -> Response:
        """Newest funding ticks first."""
        rows = self.ix.markets[self._market(request)].funding
        page = page_of(request, "effectiveBeforeOrAtHeight", "effectiveBeforeOrAt")
        kept = chosen(rows, page, lambda row: (row.height, row.time_ns))
        shapes = [views_market.historical_funding(self.ix, row) for row in kept]
        return JSONResponse({"historicalFunding": shapes})

    async def sparklines(self, request: Request) -> Response:
        """Closing prices: hourly over a day, four-hourly over seven days; newest first."""
        period = text(request, "timePeriod")
        shapes = {"ONE_DAY": ("1HOUR", 1), "SEVEN_DAYS": ("4HOURS", 7)}
        if period not in shapes:
            raise BadRequest("timePeriod must be ONE_DAY or SEVEN_DAYS", "timePeriod")
        resolution, days = shapes[period]
        since = self.ix.time_ns - days * views_market.DAY_NS
        lines = {}
        for market_id, row in self.ix.markets.items():
            market = views_market.market_of(self.ix, market_id)
            rows = row.candles.between(resolution, since, self.ix.time_ns + 1)
            lines[market.ticker] = [views_market.price(market, candle.close) for candle in rows]
        return JSONResponse(lines)

    # Status

    async def time(self, _: Request) -> Response:
        """Time of the last block."""
        now_ns = self.ix.time_ns + self.ix.clock_ns
        return JSONResponse({"iso": iso(now_ns), "epoch": now_ns // 10**6 / 1_000})

    async def height(self, _: Request) -> Response:
        """Last block."""
        return JSONResponse(views_market.block(self.ix))

    async def screen(self, request: Request) -> Response:
        """Nobody is restricted here."""
        text(request, "address")
        return JSONResponse({"restricted": False})

    async def compliance(self, _: Request) -> Response:
        """Everybody is compliant here."""
        return JSONResponse({"status": "COMPLIANT"})


def market_routes(tables: Tables) -> list[Route]:
    """Return the routes about markets, time and height."""
    api = MarketApi(tables)
    return [
        Route("/v4/perpetualMarkets", api.perpetual_markets),
        Route("/v4/orderbooks/perpetualMarket/{ticker}", api.orderbook),
        Route("/v4/trades/perpetualMarket/{ticker}", api.trades),
        Route("/v4/candles/perpetualMarkets/{ticker}", api.candles),
        Route("/v4/historicalFunding/{ticker}", api.historical_funding),
        Route("/v4/sparklines", api.sparklines),
        Route("/v4/time", api.time),
        Route("/v4/height", api.height),
        Route("/v4/screen", api.screen),
        Route("/v4/compliance/screen/{address}", api.compliance),
    ]
