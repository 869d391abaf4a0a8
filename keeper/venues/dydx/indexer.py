"""Transport to the indexer's REST: one pooled client, a deadline on every request."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from keeper.domain.errors import VenueUnavailable
from keeper.venues.dydx import wire
from keeper.venues.dydx.mapping import whole

__all__ = ["Indexer"]

T = TypeVar("T")
R = TypeVar("R", wire.Fill, wire.Transfer)
_PAGE = 100
_LARGEST_PAGE = 1_000
_OPEN = "OPEN,BEST_EFFORT_OPENED,UNTRIGGERED"


class Indexer:
    """The indexer of one subaccount; every method raises VenueUnavailable or WireError."""

    def __init__(self, base_url: str, *, address: str, subaccount: int, deadline_ms: int) -> None:
        self._base = base_url.rstrip("/")
        self._account = {"address": address, "subaccountNumber": str(subaccount)}
        self._deadline = deadline_ms / 1_000
        self._client: httpx.AsyncClient | None = None

    async def markets(self) -> dict[str, wire.Market]:
        """Return every perpetual market by ticker."""
        return (await self._get("/v4/perpetualMarkets", {}, wire.Markets)).markets

    async def height(self) -> int:
        """Return the height the indexer has processed."""
        return whole((await self._get("/v4/height", {}, wire.Height)).height)

    async def compliance(self) -> str:
        """Return the address's standing, e.g. COMPLIANT, CLOSE_ONLY or BLOCKED."""
        path = f"/v4/compliance/screen/{self._account['address']}"
        return (await self._get(path, {}, wire.Compliance)).status

    async def other_subaccounts(self) -> list[int]:
        """Return the numbers of the owner's other subaccounts."""
        found = await self._find(f"/v4/addresses/{self._account['address']}", {}, wire.Address)
        known = [] if found is None else [entry.subaccount_number for entry in found.subaccounts]
        return sorted(n for n in known if str(n) != self._account["subaccountNumber"])

    async def open_orders(self, subaccount: int | None = None) -> list[wire.Order]:
        """Return a subaccount's orders that the indexer holds open, of every kind.

        None is the one that this indexer was made for.
        """
        account = dict(self._account)
        if subaccount is not None:
            account["subaccountNumber"] = str(subaccount)
        params = {**account, "status": _OPEN, "limit": str(_LARGEST_PAGE)}
        return await self._get("/v4/orders", params, list[wire.Order])

    async def order(self, order_id: str) -> wire.Order | None:
        """Return one order, None when the indexer does not know it."""
        return await self._find(f"/v4/orders/{order_id}", {}, wire.Order)

    async def fills_above(self, height: int) -> list[wire.Fill]:
        """Return the subaccount's fills of heights above `height`, oldest first, each once."""

        async def page(params: dict[str, str]) -> list[wire.Fill]:
            return (await self._get("/v4/fills", params, wire.Fills)).fills

        return await self._above(height, page)

    async def transfers_above(self, height: int) -> list[wire.Transfer]:
        """Return the subaccount's transfers of heights above `height`, oldest first, each once."""

        async def page(params: dict[str, str]) -> list[wire.Transfer]:
            return (await self._get("/v4/transfers", params, wire.Transfers)).transfers

        return await self._above(height, page)

    async def close(self) -> None:
        """Close the pooled connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _above(
        self, height: int, page: Callable[[dict[str, str]], Awaitable[list[R]]]
    ) -> list[R]:
        """Walk back page by page until `height` is passed; the boundary height is read twice."""
        found: dict[str, R] = {}
        before: int | None = None
        limit = _PAGE
        while True:
            params = {**self._account, "limit": str(limit)}
            if before is not None:
                params["createdBeforeOrAtHeight"] = str(before)
            rows = await page(params)
            found.update((row.id, row) for row in rows if row.id not in found)
            lowest = min((whole(row.created_at_height) for row in rows), default=height)
            if len(rows) < limit or lowest <= height:
                break
            before, limit = _next_page(before, lowest, limit)
        kept = [row for row in found.values() if whole(row.created_at_height) > height]
        return kept[::-1]

    async def _get(self, path: str, params: dict[str, str], shape: type[T]) -> T:
        found = await self._find(path, params, shape)
        if found is None:
            raise VenueUnavailable(f"{self._base}{path}: not found")
        return found

    async def _find(self, path: str, params: dict[str, str], shape: type[T]) -> T | None:
        try:
            response = await self._open().get(self._base + path, params=params)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise VenueUnavailable(
                f"{self._base}{path}: {type(error).__name__} {error}",
                next_step="check the indexer's address and health",
            ) from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.status_code == httpx.codes.FORBIDDEN:
            raise VenueUnavailable(
                f"{self._base}{path}: HTTP 403 {response.text[:200]}",
                next_step="the venue serves no machine in this place, or not this address",
            )
        if response.status_code != httpx.codes.OK:
            raise VenueUnavailable(
                f"{self._base}{path}: HTTP {response.status_code} {response.text[:200]}"
            )
        return wire.decode(response.content, shape)

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._deadline)
        return self._client


def _next_page(before: int | None, lowest: int, limit: int) -> tuple[int, int]:
    """Go on at the lowest height seen (heights may span pages); widen when one fills a page."""
    if before is None or lowest < before:
        return lowest, limit
    if limit >= _LARGEST_PAGE:
        raise VenueUnavailable(f"block {lowest} holds more than {limit} entries of the subaccount")
    return lowest, min(limit * 10, _LARGEST_PAGE)
