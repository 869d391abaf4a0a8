"""Owns the parameters of indexer queries: parsing, filters, refusals."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request

from .decimals import parse_iso
from .model import SubaccountId
from .tables import Tables
from .views_account import children

__all__ = ["BadRequest", "NotFound", "Page", "chosen", "number", "page_of", "subaccount_key"]

T = TypeVar("T")
DEFAULT_LIMIT = 1_000


class BadRequest(Exception):
    """A parameter is missing or malformed; answered with status 400."""

    def __init__(self, text: str, parameter: str) -> None:
        self.text = text
        self.parameter = parameter
        super().__init__(text)


class NotFound(Exception):
    """What was asked for does not exist; answered with status 404."""


def text(request: Request, name: str) -> str:
    """Return a required parameter. Raises BadRequest."""
    value = request.query_params.get(name)
    if not value:
        raise BadRequest(f"{name} must be defined", name)
    return value


def number(request: Request, name: str, default: int | None = None) -> int:
    """Return a non-negative integer parameter. Raises BadRequest."""
    value = request.query_params.get(name)
    if value is None and default is not None:
        return default
    if value is None or not value.isdecimal():
        raise BadRequest(f"{name} must be a non-negative integer", name)
    return int(value)


def moment(request: Request, name: str) -> int | None:
    """Return an ISO time parameter in nanoseconds. Raises BadRequest."""
    value = request.query_params.get(name)
    if not value:
        return None
    try:
        return parse_iso(value)
    except ValueError as error:
        raise BadRequest(f"{name} must be an ISO 8601 time", name) from error


def subaccount_key(request: Request) -> SubaccountId:
    """Return the subaccount named by `address` and `subaccountNumber`. Raises BadRequest."""
    return SubaccountId(text(request, "address"), number(request, "subaccountNumber"))


def subaccount_keys(request: Request, ix: Tables) -> list[SubaccountId]:
    """Return the children of the parent named by the query. Raises BadRequest."""
    parent = number(request, "parentSubaccountNumber")
    return children(ix, SubaccountId(text(request, "address"), parent))


@dataclass(frozen=True, slots=True)
class Page:
    """How many rows, and the latest height and time they may have."""

    limit: int
    height: int | None
    time_ns: int | None


def page_of(request: Request, height_name: str, time_name: str) -> Page:
    """Return the page of a query. Raises BadRequest."""
    named = request.query_params.get(height_name)
    height = number(request, height_name) if named else None
    limit = number(request, "limit", DEFAULT_LIMIT)
    return Page(limit, height, moment(request, time_name))


def chosen(rows: Iterable[T], page: Page, dated: Callable[[T], tuple[int, int]]) -> list[T]:
    """Return the newest rows first that the page holds; `dated` gives (height, time ns)."""
    kept = []
    for row in reversed(list(rows)):
        height, time_ns = dated(row)
        if page.height is not None and height > page.height:
            continue
        if page.time_ns is not None and time_ns > page.time_ns:
            continue
        kept.append(row)
        if len(kept) >= page.limit:
            break
    return kept
