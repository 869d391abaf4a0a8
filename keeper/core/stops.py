"""Loss stops: sample profit once a venue block, pause at a breach, trip when it stays."""

from keeper.core.chain import on_chain_value
from keeper.core.phases import trip
from keeper.core.state import LossStop, State
from keeper.core.views import account_equity
from keeper.domain.approval import Refused
from keeper.domain.events import Event, VenueBlock
from keeper.domain.settings import RiskLimits
from keeper.domain.units import NS_PER_SECOND
from keeper.risk.losses import daily_loss, drawdown, window_loss

__all__ = ["profit_and_capital", "standing_breaches", "watch_losses"]

_SAMPLES = 3
_NS_PER_DAY = 86_400 * NS_PER_SECOND
_NS_PER_MINUTE = 60 * NS_PER_SECOND


def watch_losses(state: State, event: Event, limits: RiskLimits) -> list[Refused]:
    """Set the breaches that hold right now, event by event; they stop quoting at once.

    A venue block is sampled first; returns the breaches that it tripped the phase to EXITING by.
    """
    measured, loss = profit_and_capital(state), state.guard.loss
    if measured is None:
        return []
    tripped: list[Refused] = []
    if isinstance(event, VenueBlock):
        tripped = _sample(state, *measured, limits)
    if loss.started:
        loss.breaches = [entry.code for entry in _breaches(loss, *measured, limits)]
    return tripped


def standing_breaches(state: State, limits: RiskLimits) -> list[Refused]:
    """Return the limits that profit is beyond right now; none before the first sample."""
    loss = state.guard.loss
    measured = profit_and_capital(state) if loss.started else None
    return [] if measured is None else _breaches(loss, *measured, limits)


def _sample(state: State, profit: int, capital: int, limits: RiskLimits) -> list[Refused]:
    loss = state.guard.loss
    loss.samples = [*loss.samples, profit][-_SAMPLES:]
    least = min(loss.samples)
    _roll(loss, state.t_ns // _NS_PER_DAY)
    loss.high = max(loss.high, least)
    _slide(loss, least, state.t_ns // _NS_PER_MINUTE, limits)
    if len(loss.samples) < _SAMPLES:
        return []
    lasting = _breaches(loss, max(loss.samples), capital, limits)
    return lasting if lasting and trip(state, lasting[0]) else []


def _breaches(loss: LossStop, profit: int, capital: int, limits: RiskLimits) -> list[Refused]:
    verdicts = (
        daily_loss(loss.day_start, profit, limits.daily_loss_quote_quantums),
        drawdown(loss.high, profit, capital, limits.drawdown_ppm),
        window_loss(
            loss.window[0][1] if loss.window else profit,
            profit,
            limits.loss_window_quote_quantums,
        ),
    )
    return [verdict for verdict in verdicts if verdict is not None]


def _slide(loss: LossStop, profit: int, minute: int, limits: RiskLimits) -> None:
    """Take `profit`, the least of the last samples, into the window and drop what has left it.

    What a later sample exceeds can no longer be its highest, so that profits fall along it.
    """
    if not limits.loss_window_quote_quantums:
        loss.window = []
        return
    kept = [entry for entry in loss.window if entry[0] > minute - limits.loss_window_minutes]
    while kept and kept[-1][1] <= profit:
        kept.pop()
    if not kept or kept[-1][0] != minute:
        kept.append((minute, profit))
    loss.window = kept


def _roll(loss: LossStop, day: int) -> None:
    if loss.started and day == loss.day:
        return
    middle = sorted(loss.samples)[len(loss.samples) // 2]
    if not loss.started:
        loss.started, loss.high = True, middle
    loss.day, loss.day_start = day, middle


def profit_and_capital(state: State) -> tuple[int, int] | None:
    """Profit to date and capital at work, in quote quantums; None while a part is unknown.

    Profit is what the account and the chain side are worth minus what flowed in: deposits,
    redemptions and moves between venues cancel out, and what is in transit counts at neither end.
    One unit of the vault's asset is one quote quantum.
    """
    equity = account_equity(state)
    vault = state.chain.vault
    if equity is None or (vault is None and state.pools):
        return None
    account = state.account
    profit = equity - (account.transferred_in - account.transferred_out)
    capital = equity
    if vault is not None:
        profit += on_chain_value(state, vault) - state.chain.external
        capital += sum(a.value_bid for a in vault.adapters if a.adapter in state.pools)
    return profit, capital
