"""Order messages of one market against its fills, over a rolling window (pure)."""

from typing import Final

import msgspec

from keeper.domain.units import NS_PER_SECOND

__all__ = ["Piece", "Traffic", "count_fill", "count_order", "count_renewal", "roll"]

PIECES: Final = 60
"""Parts of a window; it moves on by one of them at a time, and never counts less than all of it."""


class Piece(msgspec.Struct, kw_only=True):
    """What one part of the window saw; volumes in base quantums."""

    number: int = -1
    orders: int = 0
    order_volume: int = 0
    fills: int = 0
    fill_volume: int = 0


class Traffic(msgspec.Struct, kw_only=True):
    """Pieces of the window, oldest first, and their sum; `renewals` since the keeper began.

    An order is a message that places one or changes its price or size, or a batch of cancels that
    makes room for others; renewals are none.
    """

    piece_ns: int = 0
    pieces: list[Piece] = []
    total: Piece = msgspec.field(default_factory=Piece)
    renewals: int = 0


def roll(traffic: Traffic, t_ns: int, window_seconds: int) -> None:
    """Forget what lies before the window; another window than before starts anew."""
    piece_ns = window_seconds * NS_PER_SECOND // PIECES
    if piece_ns != traffic.piece_ns:
        traffic.piece_ns = piece_ns
        traffic.pieces, traffic.total = [], Piece()
    oldest = t_ns // piece_ns - PIECES
    while traffic.pieces and traffic.pieces[0].number < oldest:
        _add(traffic.total, traffic.pieces.pop(0), -1)


def count_order(traffic: Traffic, t_ns: int, quantums: int) -> None:
    """Count a message that offers `quantums`; after `roll` of the same time."""
    _count(traffic, t_ns, Piece(orders=1, order_volume=quantums))


def count_renewal(traffic: Traffic) -> None:
    """Count a message that only lets an order live longer."""
    traffic.renewals += 1


def count_fill(traffic: Traffic, t_ns: int, quantums: int) -> None:
    """Count a fill; after `roll` of the same time."""
    _count(traffic, t_ns, Piece(fills=1, fill_volume=quantums))


def _count(traffic: Traffic, t_ns: int, seen: Piece) -> None:
    number = t_ns // traffic.piece_ns
    if not traffic.pieces or traffic.pieces[-1].number < number:
        traffic.pieces.append(Piece(number=number))
    _add(traffic.pieces[-1], seen, 1)
    _add(traffic.total, seen, 1)


def _add(into: Piece, seen: Piece, sign: int) -> None:
    into.orders += sign * seen.orders
    into.order_volume += sign * seen.order_volume
    into.fills += sign * seen.fills
    into.fill_volume += sign * seen.fill_volume
