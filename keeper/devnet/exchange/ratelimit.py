"""Owns the chain's limits on messages of an account over consecutive blocks."""

from .config import RateLimit
from .results import clob

__all__ = ["BlockRateLimiter"]


class BlockRateLimiter:
    """Counts messages by account and block."""

    def __init__(self, limits: tuple[RateLimit, ...], what: str) -> None:
        self._limits = limits
        self._what = what
        self._blocks = max((limit.blocks for limit in limits), default=0)
        self._counts: dict[str, dict[int, int]] = {}

    def use(self, account: str, height: int, weight: int) -> None:
        """Count `weight` messages at `height`. Raises Rejected clob 5001 beyond a limit."""
        counts = self._counts.setdefault(account, {})
        for limit in self._limits:
            used = sum(n for block, n in counts.items() if block > height - limit.blocks)
            if used + weight > limit.limit:
                raise clob(
                    5001,
                    f"{used + weight} {self._what} in {limit.blocks} blocks, limit {limit.limit}",
                )
        counts[height] = counts.get(height, 0) + weight

    def prune(self, height: int) -> None:
        """Forget blocks that no limit looks back to from `height`."""
        oldest = height - self._blocks
        for account, counts in list(self._counts.items()):
            kept = {block: n for block, n in counts.items() if block > oldest}
            if kept:
                self._counts[account] = kept
            else:
                del self._counts[account]
