"""Owns the indexer's REST answers about profit history, and about what this exchange has none of:
trading rewards, vaults, traders to search for."""

from fractions import Fraction
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .decimals import fraction, iso, pnl_uuid, subaccount_uuid
from .model import SubaccountId
from .pnl import PnlRow
from .rest_queries import (
    chosen,
    moment,
    number,
    page_of,
    subaccount_key,
    subaccount_keys,
)
from .tables import Tables

__all__ = ["history_routes"]

Json = dict[str, Any]
CREATED = ("createdBeforeOrAtHeight", "createdBeforeOrAt")
SINCE = ("createdOnOrAfterHeight", "createdOnOrAfter")


def _together(rows: list[PnlRow]) -> PnlRow:
    first = rows[0]
    return PnlRow(
        first.key,
        sum((row.equity for row in rows), Fraction(0)),
        sum((row.total for row in rows), Fraction(0)),
        sum((row.transfers for row in rows), Fraction(0)),
        first.height,
        first.time_ns,
    )


class HistoryApi:
    """Handlers over the indexer's tables."""

    def __init__(self, tables: Tables) -> None:
        self.ix = tables

    def _rows(self, keys: list[SubaccountId], request: Request) -> list[PnlRow]:
        """Return a row an hour over all keys, newest first."""
        hours: dict[int, list[PnlRow]] = {}
        for key in keys:
            for row in self.ix.pnl.rows.get(key, ()):
                hours.setdefault(row.height, []).append(row)
        rows = [_together(hours[height]) for height in sorted(hours)]
        from_height = number(request, SINCE[0], 0)
        from_ns = moment(request, SINCE[1]) or 0
        kept = [row for row in rows if row.height >= from_height and row.time_ns >= from_ns]
        return chosen(kept, page_of(request, *CREATED), lambda row: (row.height, row.time_ns))

    def _ticks(self, keys: list[SubaccountId], request: Request, with_id: bool) -> Response:
        shapes = []
        for row in self._rows(keys, request):
            named = {"id": pnl_uuid(row.key, row.height)}
            if with_id:
                named["subaccountId"] = subaccount_uuid(row.key)
            shapes.append(
                {
                    **named,
                    **_amounts(row),
                    "createdAt": iso(row.time_ns),
                    "blockHeight": str(row.height),
                    "blockTime": iso(row.time_ns),
                }
            )
        return JSONResponse({"historicalPnl": shapes})

    def _hourly(self, keys: list[SubaccountId], request: Request) -> Response:
        shapes = [
            {**_amounts(row), "createdAt": iso(row.time_ns), "createdAtHeight": str(row.height)}
            for row in self._rows(keys, request)
        ]
        return JSONResponse({"pnl": shapes})

    async def ticks(self, request: Request) -> Response:
        """Worth and profit of a subaccount at each full hour, newest first."""
        return self._ticks([subaccount_key(request)], request, with_id=True)

    async def parent_ticks(self, request: Request) -> Response:
        """The same of a parent's children together."""
        return self._ticks(subaccount_keys(request, self.ix), request, with_id=False)

    async def pnl(self, request: Request) -> Response:
        """The same in the newer shape."""
        return self._hourly([subaccount_key(request)], request)

    async def parent_pnl(self, request: Request) -> Response:
        """The same in the newer shape of a parent's children together."""
        return self._hourly(subaccount_keys(request, self.ix), request)


def _amounts(row: PnlRow) -> Json:
    return {
        "equity": fraction(row.equity),
        "totalPnl": fraction(row.total),
        "netTransfers": fraction(row.transfers),
    }


def _nothing(name: str) -> Any:
    """Return a handler that answers an empty list under a name."""

    async def answer(_: Request) -> Response:
        return JSONResponse({name: []})

    return answer


def history_routes(tables: Tables) -> list[Route]:
    """Return the routes about the past, and those that have nothing to tell."""
    api = HistoryApi(tables)
    vaults = "/v4/vault/v1/"
    return [
        Route("/v4/historical-pnl", api.ticks),
        Route("/v4/historical-pnl/parentSubaccountNumber", api.parent_ticks),
        Route("/v4/pnl", api.pnl),
        Route("/v4/pnl/parentSubaccountNumber", api.parent_pnl),
        Route("/v4/historicalBlockTradingRewards/{address}", _nothing("rewards")),
        Route("/v4/historicalTradingRewardAggregations/{address}", _nothing("rewards")),
        Route("/v4/trader/search", _nothing("results")),
        Route(vaults + "megavault/historicalPnl", _nothing("megavaultPnl")),
        Route(vaults + "vaults/historicalPnl", _nothing("vaultsPnl")),
        Route(vaults + "megavault/positions", _nothing("positions")),
    ]
