"""What an endpoint takes in a minute: places wait for the next block, cancels always go."""

from collections import deque
from typing import Final

__all__ = ["Quota"]

_SECONDS: Final = 60.0
_RESERVE_DIVISOR: Final = 5


class Quota:
    """Messages of the last minute against a limit (0: none); a fifth is kept for cancels.

    Times are seconds of any clock that only goes forward.
    """

    __slots__ = ("_limit", "_sent")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sent: deque[float] = deque()

    def admits_place(self, now: float) -> bool:
        """Whether a place may leave and leave enough for cancels."""
        if not self._limit:
            return True
        while self._sent and self._sent[0] <= now - _SECONDS:
            self._sent.popleft()
        return len(self._sent) < self._limit - self._limit // _RESERVE_DIVISOR

    def note(self, now: float, messages: int) -> None:
        """Count messages that leave."""
        if self._limit:
            self._sent.extend([now] * messages)
