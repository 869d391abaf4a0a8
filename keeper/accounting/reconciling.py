"""Settles booked entries against what the venue says the subaccount holds."""

from collections.abc import Iterable, Sequence

from keeper.accounting.entries import CASH, POSITION, QUOTE, Entry, Posting
from keeper.domain.events import SubaccountObserved

__all__ = ["reconcile"]

_Holdings = dict[tuple[str, str], int]


def reconcile(booked: Sequence[Entry], observed: Sequence[SubaccountObserved]) -> list[Entry]:
    """Return `booked` and one entry per observation (by rising height) that leaves a difference.

    The chain rounds once where payments round each: up to one quantum per booked entry is
    `rounding`; more, or any base quantum, is `unexplained` and must not be signed away.
    """
    pending = sorted(booked, key=lambda entry: entry.height)
    held: _Holdings = {}
    settled: list[Entry] = []
    position = 0
    for index, seen in enumerate(observed):
        start = position
        while position < len(pending) and pending[position].height <= seen.height:
            _add(held, pending[position])
            position += 1
        kind = "opening" if index == 0 else ""
        entry = _settle(held, seen, kind, position - start)
        if entry is not None:
            _add(held, entry)
            settled.append(entry)
    return [*booked, *settled]


def _settle(held: _Holdings, seen: SubaccountObserved, kind: str, entries: int) -> Entry | None:
    actual = _actual(seen)
    open_amounts = {key: actual.get(key, 0) - held.get(key, 0) for key in sorted({*actual, *held})}
    differences = {key: amount for key, amount in open_amounts.items() if amount}
    if not differences:
        return None
    kind = kind or _kind(differences, entries)
    postings: list[Posting] = []
    for (account, unit), amount in differences.items():
        postings += [Posting(account, unit, amount), Posting(kind, unit, -amount)]
    return Entry(kind=kind, key=str(seen.height), height=seen.height, postings=tuple(postings))


def _kind(differences: _Holdings, entries: int) -> str:
    is_cash_alone = list(differences) == [(CASH, QUOTE)]
    small = is_cash_alone and abs(differences[CASH, QUOTE]) <= entries
    return "rounding" if small else "unexplained"


def _actual(seen: SubaccountObserved) -> _Holdings:
    cash = seen.usdc_quote_quantums + sum(p.quote_balance for p in seen.positions)
    holdings: _Holdings = {(POSITION, p.market): p.quantums for p in seen.positions}
    holdings[CASH, QUOTE] = cash
    return holdings


def _add(held: _Holdings, entry: Entry) -> None:
    for posting in _own(entry.postings):
        key = (posting.account, posting.unit)
        held[key] = held.get(key, 0) + posting.amount


def _own(postings: Iterable[Posting]) -> Iterable[Posting]:
    return (p for p in postings if p.account in (CASH, POSITION))
