"""Owns the indexer's REST answers about accounts."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import views_account, views_market, views_transfer
from .model import SubaccountId
from .rest_queries import (
    NotFound,
    chosen,
    moment,
    number,
    page_of,
    subaccount_key,
    subaccount_keys,
    text,
)
from .rows import OrderRow
from .tables import Tables

__all__ = ["account_routes"]

CREATED = ("createdBeforeOrAtHeight", "createdBeforeOrAt")


class AccountApi:
    """Handlers over the indexer's tables."""

    def __init__(self, tables: Tables) -> None:
        self.ix = tables

    async def address(self, request: Request) -> Response:
        """Every subaccount of an address."""
        owner = request.path_params["address"]
        keys = [key for key, _ in self.ix.state.subaccounts.items() if key.owner == owner]
        if not keys:
            raise NotFound(f"No subaccounts found for address {owner}")
        shapes = [views_account.subaccount(self.ix, key) for key in sorted(keys)]
        return JSONResponse({"subaccounts": shapes, "totalTradingRewards": "0"})

    def _path_key(self, request: Request) -> SubaccountId:
        return SubaccountId(request.path_params["address"], request.path_params["number"])

    async def subaccount(self, request: Request) -> Response:
        """One subaccount."""
        key = self._path_key(request)
        shape = views_account.subaccount(self.ix, key)
        if shape is None:
            raise NotFound(
                f"No subaccount found with address {key.owner} and subaccountNumber {key.number}"
            )
        return JSONResponse({"subaccount": shape})

    async def parent_subaccount(self, request: Request) -> Response:
        """A parent with its children."""
        key = self._path_key(request)
        keys = views_account.children(self.ix, key)
        if not keys:
            raise NotFound(
                f"No subaccount found with address {key.owner} and "
                f"parentSubaccountNumber {key.number}"
            )
        shape = views_account.parent_subaccount(self.ix, key, keys)
        return JSONResponse({"subaccount": shape})

    def _positions(self, keys: list[SubaccountId], request: Request) -> Response:
        rows = [row for key in keys for row in self.ix.closed.get(key, ())]
        rows += [row for (key, _), row in self.ix.positions.items() if key in keys]
        rows.sort(key=lambda row: (row.opened_height, row.event_id))
        page = page_of(request, *CREATED)
        kept = chosen(rows, page, lambda row: (row.opened_height, row.opened_ns))
        wanted = request.query_params.get("status")
        shapes = [views_account.position(self.ix, row) for row in kept]
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
            for asset in views_account.asset_positions(
                key, views_account.settled_account(self.ix, key)
            )
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
        market = views_market.market_of(self.ix, order.id.clob_pair_id)
        until = query.get("goodTilBlockBeforeOrAt")
        checks = (
            order.id.subaccount in keys,
            query.get("ticker", market.ticker) == market.ticker,
            query.get("side", order.side.name) == order.side.name,
            row.status in query.get("status", row.status).split(","),
            query.get("type", views_account.order_type(order)) == views_account.order_type(order),
            until is None
            or (
                not order.is_stateful
                and order.good_til_block <= number(request, "goodTilBlockBeforeOrAt")
            ),
        )
        return all(checks)

    def _orders(self, keys: list[SubaccountId], request: Request) -> Response:
        rows = [row for row in self.ix.orders.values() if self._matches(row, keys, request)]
        limit = number(request, "limit", 1_000)
        return JSONResponse([views_account.order(self.ix, row) for row in rows[::-1][:limit]])

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
        return JSONResponse(views_account.order(self.ix, row))

    def _fills(self, keys: list[SubaccountId], request: Request) -> Response:
        rows = [row for key in keys for row in self.ix.fills.get(key, ())]
        rows.sort(key=lambda row: row.event_id)
        named = request.query_params.get("market")
        if named is not None:
            rows = [r for r in rows if views_market.ticker(self.ix, r.market_id) == named]
        page = page_of(request, *CREATED)
        kept = chosen(rows, page, lambda row: (row.height, row.time_ns))
        return JSONResponse({"fills": [views_account.fill(self.ix, row) for row in kept]})

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
            mine = [row for row in rows if key in views_transfer.transfer_parties(row)]
            kept = chosen(mine, page_of(request, *CREATED), lambda r: (r.height, r.time_ns))
            shapes += [views_transfer.transfer(row, key.owner, key.number) for row in kept]
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
            if set(views_transfer.transfer_parties(row)) == {source, target}
        ]
        out = sum(row.amount for row in rows if row.sender_number == source.number)
        back = sum(row.amount for row in rows) - out
        kept = chosen(rows, page_of(request, *CREATED), lambda r: (r.height, r.time_ns))
        shapes = [views_transfer.transfer(row, source.owner, source.number) for row in kept]
        total = views_market.usd(out - back)
        return JSONResponse({"transfersSubset": shapes, "totalNetTransfers": total})

    def _payments(self, keys: list[SubaccountId], request: Request) -> Response:
        rows = [row for key in keys for row in self.ix.payments.get(key, ())]
        rows.sort(key=lambda row: (row.height, row.time_ns))
        named = request.query_params.get("ticker")
        after = moment(request, "afterOrAt")
        rows = [
            row
            for row in rows
            if (named is None or views_market.ticker(self.ix, row.market_id) == named)
            and (after is None or row.time_ns >= after)
        ]
        limit = number(request, "limit", 1_000)
        start = (max(number(request, "page", 1), 1) - 1) * limit
        kept = rows[::-1][start : start + limit]
        return JSONResponse(
            {"fundingPayments": [views_transfer.funding_payment(self.ix, row) for row in kept]}
        )

    async def payments(self, request: Request) -> Response:
        """Funding payments of a subaccount, newest first."""
        return self._payments([subaccount_key(request)], request)

    async def parent_payments(self, request: Request) -> Response:
        """Funding payments of a parent's children."""
        return self._payments(subaccount_keys(request, self.ix), request)


def account_routes(tables: Tables) -> list[Route]:
    """Return the routes about addresses and subaccounts."""
    api = AccountApi(tables)
    sub = "/v4/addresses/{address}"
    return [
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
    ]
