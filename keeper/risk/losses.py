"""Loss stops on cumulative profit: of a day and a window in quote quantums, drawdown in ppm."""

from keeper.domain.approval import Refused
from keeper.domain.units import PPM

__all__ = ["daily_loss", "drawdown", "fall_ppm"]


def daily_loss(day_start: int, profit: int, limit: int) -> Refused | None:
    """Refuse when profit fell by more than `limit` quote quantums since the day began."""
    loss = day_start - profit
    if loss <= limit:
        return None
    return Refused(code="DAILY_LOSS", subject="vault", limit=limit, value=loss)


def window_loss(high: int, profit: int, limit: int) -> Refused | None:
    """Refuse when profit fell by more than `limit` from its window's high; a limit of 0 is off."""
    loss = high - profit
    if not 0 < limit < loss:
        return None
    return Refused(code="LOSS_WINDOW", subject="vault", limit=limit, value=loss)


def drawdown(high: int, profit: int, capital: int, limit_ppm: int) -> Refused | None:
    """Refuse when the fall from the highest profit exceeds `limit_ppm` of the capital before it.

    `capital` is what is at work now, in quote quantums; before the fall it was that plus the fall.
    """
    fall = high - profit
    before = capital + fall
    if fall <= 0 or (before > 0 and fall * PPM <= limit_ppm * before):
        return None
    value = fall_ppm(fall, capital)
    return Refused(code="DRAWDOWN", subject="vault", limit=limit_ppm, value=value)


def fall_ppm(fall: int, capital: int) -> int:
    """What a fall is of the capital before it, in ppm, down; all of it where that was none."""
    before = capital + fall
    if fall <= 0:
        return 0
    return PPM if before <= 0 else fall * PPM // before
