"""Owns the JSON shapes of transfers and funding payments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decimals import fixed, iso
from .model import SubaccountId
from .views_market import Json, hourly, market_of, size, usd

if TYPE_CHECKING:
    from .rows import FundingRow, TransferRow
    from .tables import Tables


def transfer_parties(row: TransferRow) -> list[SubaccountId]:
    """Return the subaccounts of a transfer."""
    parties = (
        (row.sender, row.sender_number),
        (row.recipient, row.recipient_number),
    )
    return [SubaccountId(address, n) for address, n in parties if n is not None]


def _party(address: str, number: int | None) -> Json:
    return (
        {"address": address}
        if number is None
        else {
            "address": address,
            "subaccountNumber": number,
        }
    )


def transfer(row: TransferRow, address: str, number: int | None) -> Json:
    """Return a transfer as seen from one party."""
    return {
        "id": row.id,
        "sender": _party(row.sender, row.sender_number),
        "recipient": _party(row.recipient, row.recipient_number),
        "size": usd(row.amount),
        "createdAt": iso(row.time_ns),
        "createdAtHeight": str(row.height),
        "symbol": "USDC",
        "type": row.kind(address, number),
        "transactionHash": row.transaction,
    }


def transfer_update(row: TransferRow, address: str, number: int | None) -> Json:
    """Return a transfer as streamed: without its id."""
    shape = transfer(row, address, number)
    del shape["id"]
    return shape


def funding_payment(ix: Tables, row: FundingRow) -> Json:
    """Return a funding payment; here subaccountNumber is a string, as the venue has it."""
    market = market_of(ix, row.market_id)
    return {
        "createdAt": iso(row.time_ns),
        "createdAtHeight": str(row.height),
        "perpetualId": str(row.market_id),
        "ticker": market.ticker,
        "oraclePrice": fixed(row.price, market.oracle_exponent),
        "size": size(market, abs(row.quantums)),
        "side": "LONG" if row.quantums > 0 else "SHORT",
        "rate": hourly(row.rate_ppm_8h),
        "payment": usd(row.payment),
        "subaccountNumber": str(row.key.number),
        "fundingIndex": str(row.index),
    }
