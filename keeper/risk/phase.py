"""What the vault may do: one enum, and the words that change it."""

import enum

__all__ = ["Phase"]


class Phase(enum.StrEnum):
    """State of a vault's trading; a stop trips to EXITING and a restart keeps it.

    ACTIVE quotes; REDUCING does nothing that raises |net delta|; EXITING has quotes off, liquidity
    burnt and the perpetual flattened; HALTED holds no liquidity work and no order at all.
    """

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    EXITING = "EXITING"
    HALTED = "HALTED"
