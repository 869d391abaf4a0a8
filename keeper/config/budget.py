"""How many order messages a configuration needs, and how many the venue takes."""

from dataclasses import dataclass
from typing import Final

from keeper.config.model import Config
from keeper.config.sections.markets import Market

__all__ = ["VENUE_MESSAGES_PER_BLOCK", "MessageBudget", "message_budget"]

VENUE_MESSAGES_PER_BLOCK: Final = 800
"""dYdX: 4,000 place and cancel messages in 5 blocks per account."""
FASTEST_BLOCK_MS: Final = 600
"""dYdX makes a block in 600 to 1,100 ms."""


@dataclass(frozen=True, slots=True)
class MessageBudget:
    """Order messages of all markets together.

    `worst_per_block`: every layer replaced and one batch cancel a market. `renewals_per_100_blocks`
    what a book that never moves costs: each order again before its goodTilBlock, rounded up.
    `renewals_per_minute` is that at the fastest blocks. `changes_per_minute` is what one costs that
    never stops moving and fills nothing: each order anew as soon as it has rested, at most once a
    block, up to the order-to-trade cap. `limit_per_block` is what the keeper allows itself (0: no
    [limits]).
    """

    worst_per_block: int
    renewals_per_100_blocks: int
    changes_per_minute: int
    limit_per_block: int

    @property
    def renewals_per_minute(self) -> int:
        """Renewals in a minute of the fastest blocks, rounded up."""
        return -(-self.renewals_per_100_blocks * 60_000 // (100 * FASTEST_BLOCK_MS))


def message_budget(config: Config) -> MessageBudget:
    """Compute the budget from layers, lifetimes and limits."""
    return MessageBudget(
        worst_per_block=sum(2 * market.strategy.layers + 1 for market in config.markets),
        renewals_per_100_blocks=sum(_renewals(market) for market in config.markets),
        changes_per_minute=sum(_changes(market) for market in config.markets),
        limit_per_block=config.limits.max_messages_per_block if config.limits else 0,
    )


def _renewals(market: Market) -> int:
    blocks = max(1, market.good_til_block_offset - market.refresh_blocks)
    return -(-2 * market.strategy.layers * 100 // blocks)


def _changes(market: Market) -> int:
    pace_ms = max(FASTEST_BLOCK_MS, market.resting.min_resting_ms if market.resting else 0)
    changes = -(-2 * market.strategy.layers * 60_000 // pace_ms)
    cap = market.order_to_trade
    if cap is None:
        return changes
    return min(changes, -(-cap.free_messages * 60 // cap.window_seconds))
