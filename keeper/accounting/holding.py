"""What an open position cost: average entry, folded from fills."""

import msgspec

__all__ = ["Holding"]


class Holding(msgspec.Struct, kw_only=True):
    """Signed base quantums and the quote quantums paid for them (negative: received for a short).

    A fill that reduces takes its share of the cost along, rounded towards minus infinity; one that
    crosses zero opens the rest at its own price.
    """

    quantums: int = 0
    cost: int = 0

    def add(self, base: int, quote: int) -> None:
        """Add a fill: base and quote quantums signed by its side."""
        if self.quantums * base >= 0:
            self.quantums += base
            self.cost += quote
            return
        closed = min(abs(base), abs(self.quantums))
        self.cost -= self.cost * closed // abs(self.quantums)
        sign = 1 if base > 0 else -1
        self.quantums += sign * closed
        opened = abs(base) - closed
        if opened:
            self.quantums = sign * opened
            self.cost = quote * opened // abs(base)
