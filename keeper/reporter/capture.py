"""Captures: the venue's raw answers at the cut, kept so that every signature can be rechecked."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from keeper.domain.errors import WireError
from keeper.domain.reports import OpenCut
from keeper.ports import Clock
from keeper.reporter.equity import Account, Price
from keeper.reporter.model import Refusal
from keeper.reporter.validator import Validator
from keeper.reporter.wire import (
    Header,
    WalletTx,
    decode_balance,
    decode_header,
    decode_perpetuals,
    decode_price,
    decode_prices,
    decode_subaccount,
    decode_txs,
)

__all__ = ["Capture", "CaptureStore", "LegCapture", "VenueAccount", "capture_cut", "capture_leg"]

_NS: Final = 1_000_000_000
_MOST_BLOCKS_BACK: Final = 500


@dataclass(frozen=True, slots=True)
class VenueAccount:
    """Which venue account stands behind an attested adapter; `bridge` is the way out of it."""

    adapter: str
    address: str
    subaccounts: tuple[int, ...]
    bridge: str


class LegCapture(msgspec.Struct, frozen=True, kw_only=True):
    """Raw answers about one venue account at one height; times in unix nanoseconds."""

    adapter: str
    address: str
    height: int
    captured_at_ns: int
    header: bytes
    balance: bytes
    subaccounts: dict[str, bytes]
    perpetuals: bytes
    prices: bytes
    received: tuple[bytes, ...]
    sent: tuple[bytes, ...]

    def account(self) -> Account:
        """Everything the account owned. Raises WireError, also when a price is missing."""
        account = Account(
            bank=decode_balance(self.balance),
            subaccounts=[decode_subaccount(raw) for raw in self.subaccounts.values()],
            perpetuals=decode_perpetuals(self.perpetuals),
            prices=decode_prices(self.prices),
        )
        for perpetual in account.perpetuals.values():
            if perpetual.market_id not in account.prices:
                raise WireError(f"no oracle price for {perpetual.ticker} at {self.height}")
        held = {p.perpetual_id for s in account.subaccounts for p in s.positions}
        if not held <= account.perpetuals.keys():
            raise WireError(f"a position in an unknown perpetual at {self.height}")
        return account

    def transactions(self) -> list[WalletTx]:
        """Every transaction that moved the wallet's coins up to the height, each once."""
        found = {tx.hash: tx for tx in decode_txs((*self.received, *self.sent))}
        return [tx for tx in found.values() if tx.height <= self.height]


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """One cut's captures, in the order of the vault's attested adapters; `time` in seconds."""

    epoch: int
    time: int
    legs: tuple[LegCapture, ...]


async def capture_cut(
    cut: OpenCut,
    accounts: Iterable[VenueAccount],
    validator: Validator,
    clock: Clock,
    limit_ns: int,
) -> Capture | Refusal | None:
    """Capture every leg; None while the venue has no block at or after the cut yet.

    Refuses a block that appeared more than `limit_ns` ago, an adapter without a configured
    account. Raises VenueUnavailable, WireError.
    """
    by_adapter = {account.adapter.lower(): account for account in accounts}
    unknown = [adapter for adapter in cut.adapters if adapter.lower() not in by_adapter]
    if unknown:
        return Refusal(code="UNKNOWN_LEG", subject="legs", ours="not configured", theirs=unknown[0])
    first = await _first_block(validator, cut.time * _NS)
    if first is None:
        return None
    late = clock.now_ns() - first.time_ns
    if late > limit_ns:
        return Refusal(code="CAPTURE_LATE", subject="age_ns", ours=limit_ns, theirs=late)
    legs = [
        await capture_leg(by_adapter[adapter.lower()], first.height, validator, clock)
        for adapter in cut.adapters
    ]
    return Capture(epoch=cut.epoch, time=cut.time, legs=tuple(legs))


async def _first_block(validator: Validator, time_ns: int) -> Header | None:
    """The first block at or after a time, by walking back from the newest."""
    found = await validator.latest()
    if found.time_ns < time_ns:
        return None
    for _ in range(_MOST_BLOCKS_BACK):
        if found.height == 1:
            return found
        earlier = decode_header(await validator.header(found.height - 1))
        if earlier.time_ns < time_ns:
            return found
        found = earlier
    raise WireError(f"more than {_MOST_BLOCKS_BACK} venue blocks since the cut")


async def capture_leg(
    account: VenueAccount, height: int, validator: Validator, clock: Clock
) -> LegCapture:
    query = "transfer.{end}='{address}' AND tx.height<={height}"
    ends = {"address": account.address, "height": height}
    return LegCapture(
        adapter=account.adapter,
        address=account.address,
        height=height,
        header=await validator.header(height),
        balance=await validator.balance(account.address, height),
        subaccounts={
            str(number): await validator.subaccount(account.address, number, height)
            for number in account.subaccounts
        },
        perpetuals=await validator.perpetuals(height),
        prices=await validator.prices(height),
        received=tuple(await validator.transactions(query.format(end="recipient", **ends))),
        sent=tuple(await validator.transactions(query.format(end="sender", **ends))),
        captured_at_ns=clock.now_ns(),
    )


class _PriceLine(msgspec.Struct, frozen=True):
    height: int
    market_id: int
    raw: bytes


class CaptureStore:
    """A folder of captures; each is written whole before it is used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._prices = {
            (line.height, line.market_id): line.raw for line in self._stored_price_lines()
        }

    def save(self, capture: Capture) -> None:
        """Keep a cut's capture. Raises OSError."""
        self.write(_cut_name(capture.epoch, capture.time), msgspec.json.encode(capture))

    def load(self, epoch: int, time: int) -> Capture | None:
        """The capture of a cut, None when it was not captured."""
        path = self._folder / _cut_name(epoch, time)
        return msgspec.json.decode(path.read_bytes(), type=Capture) if path.exists() else None

    def leg_at(self, address: str, height: int) -> LegCapture | None:
        """The capture of an account at a height a report named, None when there is none."""
        for path in sorted(self._folder.glob("cut-*.json"), reverse=True):
            capture = msgspec.json.decode(path.read_bytes(), type=Capture)
            for leg in capture.legs:
                if (leg.address, leg.height) == (address, height):
                    return leg
        return None

    def save_price(self, height: int, market_id: int, raw: bytes) -> None:
        """Keep an oracle price at a fill's height. Raises OSError."""
        line = msgspec.json.encode(_PriceLine(height, market_id, raw)) + b"\n"
        with (self._folder / "prices.jsonl").open("ab") as file:
            file.write(line)
        self._prices[(height, market_id)] = raw

    def price(self, height: int, market_id: int) -> Price | None:
        """The oracle price at a height, None when it was not captured. Raises WireError."""
        raw = self._prices.get((height, market_id))
        return decode_price(raw) if raw is not None else None

    def read(self, name: str) -> bytes | None:
        """A small record of this reporter's own, None when absent."""
        path = self._folder / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, data: bytes) -> None:
        """Replace a file whole and force it to stable storage. Raises OSError."""
        waiting = self._folder / f".{name}"
        with waiting.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(self._folder / name)

    def _stored_price_lines(self) -> Iterable[_PriceLine]:
        path = self._folder / "prices.jsonl"
        if not path.exists():
            return
        data = path.read_bytes()
        whole, _, torn = data.rpartition(b"\n")
        if torn:
            path.write_bytes(whole + b"\n" if whole else b"")
        for line in whole.splitlines():
            yield msgspec.json.decode(line, type=_PriceLine)


def _cut_name(epoch: int, time: int) -> str:
    return f"cut-{epoch:08d}-{time}.json"
