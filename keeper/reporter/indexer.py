"""The venue's public history of an account: fills, funding and transfers, as exact numbers."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

import httpx

from keeper.domain.errors import VenueUnavailable, WireError

__all__ = ["Fill", "Funding", "Indexer", "Transfer"]

_PAGE: Final = 100
_QUOTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill: signed base size, quote exchanged (unsigned) and fee paid in quote quantums."""

    fill_id: str
    ticker: str
    height: int
    size: Fraction
    quote: Fraction
    fee: Fraction


@dataclass(frozen=True, slots=True)
class Funding:
    """A settled funding payment in quote quantums; positive is received."""

    ticker: str
    height: int
    payment: Fraction


@dataclass(frozen=True, slots=True)
class Transfer:
    """Quote quantums that moved; a subaccount is spelt "address/number", a wallet "address"."""

    transfer_id: str
    height: int
    sender: str
    recipient: str
    quantums: Fraction


def _number(text: Any) -> Fraction:
    try:
        return Fraction(Decimal(text))
    except (InvalidOperation, TypeError, ValueError) as error:
        raise WireError(f"not a number: {text!r}") from error


def _place(end: dict[str, Any]) -> str:
    number = end.get("subaccountNumber")
    return end["address"] if number is None else f"{end['address']}/{number}"


def _fill(row: dict[str, Any]) -> Fill:
    size = _number(row["size"])
    return Fill(
        fill_id=row["id"],
        ticker=row["market"],
        height=int(row["createdAtHeight"]),
        size=size if row["side"] == "BUY" else -size,
        quote=_number(row["price"]) * size * _QUOTE,
        fee=_number(row["fee"]) * _QUOTE,
    )


def _funding(row: dict[str, Any]) -> Funding:
    return Funding(row["ticker"], int(row["createdAtHeight"]), _number(row["payment"]) * _QUOTE)


def _transfer(row: dict[str, Any]) -> Transfer:
    return Transfer(
        transfer_id=row["id"],
        height=int(row["createdAtHeight"]),
        sender=_place(row["sender"]),
        recipient=_place(row["recipient"]),
        quantums=_number(row["size"]) * _QUOTE,
    )


class Indexer:
    """Reads the indexer's REST. Every method raises VenueUnavailable, WireError."""

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout_seconds, transport=transport)

    async def close(self) -> None:
        await self._client.aclose()

    async def height(self) -> int:
        """Newest block the indexer has processed."""
        return int((await self._get("/v4/height", {}))["height"])

    async def fills(self, owner: str, number: int, above: int) -> list[Fill]:
        """Fills of a subaccount at heights greater than `above`, newest first."""
        rows = await self._rows("/v4/fills", "fills", owner, number, above)
        return [_checked(_fill, row) for row in rows]

    async def fundings(self, owner: str, number: int, above: int) -> list[Funding]:
        """Funding payments of a subaccount at heights greater than `above`, newest first."""
        rows = await self._rows("/v4/fundingPayments", "fundingPayments", owner, number, above)
        return [_checked(_funding, row) for row in rows]

    async def transfers(self, owner: str, number: int, above: int) -> list[Transfer]:
        """Transfers of a subaccount at heights greater than `above`, newest first."""
        rows = await self._rows("/v4/transfers", "transfers", owner, number, above)
        return [_checked(_transfer, row) for row in rows]

    async def _rows(
        self, path: str, key: str, owner: str, number: int, above: int
    ) -> list[dict[str, Any]]:
        """Page backwards until below `above`; a row two pages share is taken once."""
        found: dict[str, dict[str, Any]] = {}
        query: dict[str, Any] = {"address": owner, "subaccountNumber": number, "limit": _PAGE}
        while True:
            rows = (await self._get(path, query)).get(key)
            if not isinstance(rows, list):
                raise WireError(f"{path} answered without {key}")
            fresh = {_identity(row): row for row in rows if _identity(row) not in found}
            found |= fresh
            if len(rows) < _PAGE or _height(rows[-1]) <= above:
                return [row for row in found.values() if _height(row) > above]
            if not fresh:
                raise WireError(f"{path} has more than {_PAGE} rows at height {_height(rows[-1])}")
            _turn(path, query, _height(rows[-1]))

    async def _get(self, path: str, query: dict[str, Any]) -> Any:
        try:
            response = await self._client.get(path, params=query)
            if response.status_code == httpx.codes.NOT_FOUND:
                return _NOTHING  # a subaccount the venue has never seen
            response.raise_for_status()
            return response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise VenueUnavailable(
                f"{self._url}{path}: {type(error).__name__} {error}",
                next_step="start the indexer or correct its URL",
            ) from error


_NOTHING: Final[dict[str, Any]] = {"fills": [], "fundingPayments": [], "transfers": []}


def _turn(path: str, query: dict[str, Any], last_height: int) -> None:
    """Point the query at the next page: by height where the API can, else by number."""
    if path == "/v4/fundingPayments":
        query["page"] = query.get("page", 1) + 1
    else:
        query["createdBeforeOrAtHeight"] = last_height


def _identity(row: dict[str, Any]) -> str:
    known = row.get("id")
    return known if isinstance(known, str) else "|".join(f"{k}={row[k]}" for k in sorted(row))


def _height(row: dict[str, Any]) -> int:
    try:
        return int(row["createdAtHeight"])
    except (KeyError, TypeError, ValueError) as error:
        raise WireError("a row without createdAtHeight") from error


def _checked(read: Any, row: dict[str, Any]) -> Any:
    try:
        return read(row)
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"a row of unexpected shape: {type(error).__name__} {error}") from error
