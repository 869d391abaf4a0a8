"""Owns the text forms of the indexer: exact decimals of integers, ratios, times, ids."""

import uuid
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache

from .model import OrderId, SubaccountId

__all__ = [
    "event_id",
    "fill_uuid",
    "fixed",
    "fraction",
    "iso",
    "order_uuid",
    "parse_iso",
    "pnl_uuid",
    "position_uuid",
    "power",
    "subaccount_uuid",
    "transfer_uuid",
]

NAMESPACE = uuid.UUID("0f9da948-a6fb-4c45-9edc-4685c3f3317d")
PLACES = 20
REMEMBERED = 8_192  # results of pure functions kept for reuse
NS = 10**9


def fixed(value: int, exponent: int) -> str:
    """Return value * 10**exponent as a plain decimal without trailing zeros."""
    if exponent >= 0:
        return str(value * 10**exponent)
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(value), 10**-exponent)
    digits = str(part).rjust(-exponent, "0").rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def fraction(value: Fraction) -> str:
    """Return a ratio as a plain decimal, rounded half to even at 20 places."""
    return fixed(round(value * 10**PLACES), -PLACES)


def power(exponent: int) -> Fraction:
    """Return 10**exponent exactly."""
    return Fraction(10) ** exponent


@lru_cache(maxsize=REMEMBERED)
def iso(time_ns: int) -> str:
    """Return a UTC time with milliseconds, as the indexer writes it."""
    seconds, rest = divmod(time_ns, NS)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 10**6:03d}Z"


def parse_iso(text: str) -> int:
    """Return nanoseconds since the epoch of an ISO time. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NS + delta.microseconds * 1_000


@lru_cache(maxsize=REMEMBERED)
def subaccount_uuid(key: SubaccountId) -> str:
    """Return the indexer's id of a subaccount."""
    return str(uuid.uuid5(NAMESPACE, f"{key.owner}-{key.number}"))


@lru_cache(maxsize=REMEMBERED)
def order_uuid(order_id: OrderId) -> str:
    """Return the indexer's id of an order."""
    owner = subaccount_uuid(order_id.subaccount)
    name = f"{owner}-{order_id.client_id}-{order_id.clob_pair_id}-{order_id.flags}"
    return str(uuid.uuid5(NAMESPACE, name))


def fill_uuid(event_id: str, liquidity: str) -> str:
    """Return the indexer's id of one side of a fill."""
    return str(uuid.uuid5(NAMESPACE, f"{event_id}-{liquidity}"))


def transfer_uuid(event_id: str) -> str:
    """Return the indexer's id of a transfer."""
    return str(uuid.uuid5(NAMESPACE, f"transfer-{event_id}"))


def position_uuid(key: SubaccountId, opening_event_id: str) -> str:
    """Return the indexer's id of a position."""
    return str(uuid.uuid5(NAMESPACE, f"{subaccount_uuid(key)}-{opening_event_id}"))


def pnl_uuid(key: SubaccountId, height: int) -> str:
    """Return the id of a subaccount's profit at a block."""
    return str(uuid.uuid5(NAMESPACE, f"{subaccount_uuid(key)}-pnl-{height}"))


def event_id(height: int, event_index: int) -> str:
    """Return the id of an event of a block: height, transaction and event index in hex."""
    return f"{height:08x}{2:08x}{event_index:08x}"
