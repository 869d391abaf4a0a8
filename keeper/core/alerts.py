"""What a person is told: a tripped stop, a wind-down, another keeper, a finished exit, failures."""

from keeper.core.phases import halt, trip
from keeper.core.state import State
from keeper.core.views import allowance
from keeper.domain.approval import Refused
from keeper.domain.commands import RaiseAlert
from keeper.domain.events import (
    CommandResult,
    Event,
    OperatorCommand,
    TransactionMined,
    VaultObserved,
    VenueBlock,
)
from keeper.risk.phase import Phase

__all__ = ["alerts"]

_EXIT_DONE = "EXIT_DONE"
_NO_NEW_RISK = {
    "LOSSES_SPENT": "the vault lost what its keeper may lose: no allocation, range or purchase",
    "VAULT_PAUSED": "the guardian paused the vault: no deposit request, no new risk",
}
_FAILURES = 3


def alerts(state: State, event: Event, tripped: list[Refused]) -> list[RaiseAlert]:
    """Return the alerts an event gives rise to, each said once; `tripped` are its loss stops."""
    if isinstance(event, VenueBlock):
        return [_left(stop) for stop in tripped] + _exit_done(state)
    if isinstance(event, VaultObserved):
        return _wound_down(state) + _replaced(state) + _no_new_risk(state)
    if isinstance(event, OperatorCommand):
        return _wound_down(state) + _replaced(state)
    if isinstance(event, (CommandResult, TransactionMined)):
        return _failing(state)
    return []


def _left(stop: Refused) -> RaiseAlert:
    text = f"{stop.value} is beyond {stop.limit}; leaving all positions"
    return RaiseAlert(severity="page", code=stop.code, text=text)


def _wound_down(state: State) -> list[RaiseAlert]:
    """A vault that winds down never trades again, so nobody can resume it either."""
    vault = state.chain.vault
    if vault is None or vault.state != "WINDDOWN":
        return []
    if not trip(state, Refused(code="WIND_DOWN", subject="vault", limit=0, value=1)):
        return []
    text = "the vault winds down for ever: quotes are off and the position is closed"
    return [RaiseAlert(severity="page", code="WIND_DOWN", text=text)]


def _replaced(state: State) -> list[RaiseAlert]:
    """Whose vault names another keeper leaves all of it to that one: position, range and orders.

    A shadow run sends nothing and may watch any vault.
    """
    vault = state.chain.vault
    if vault is None or not vault.other_keeper or state.mode == "shadow":
        return []
    if not halt(state, Refused(code="NOT_KEEPER", subject="vault", limit=0, value=1)):
        return []
    text = f"the vault names {vault.other_keeper} its keeper: nothing is sent any more"
    return [RaiseAlert(severity="page", code="NOT_KEEPER", text=text)]


def _no_new_risk(state: State) -> list[RaiseAlert]:
    """Said once for each time that the mandate forbids new risk, with the second it ends."""
    refused = allowance(state).refusal("vault")
    standing = None if refused is None else refused.code
    for code in _NO_NEW_RISK:
        if code != standing:
            state.guard.noted.pop(f"{code}:mandate", None)
    if refused is None or f"{refused.code}:mandate" in state.guard.noted:
        return []
    state.guard.noted[f"{refused.code}:mandate"] = state.t_ns
    text = f"{_NO_NEW_RISK[refused.code]} before {refused.limit} (unix seconds)"
    return [RaiseAlert(severity="warn", code=refused.code, text=text)]


def _exit_done(state: State) -> list[RaiseAlert]:
    if state.guard.phase is not Phase.EXITING:
        state.guard.noted.pop(_EXIT_DONE, None)
        return []
    if _EXIT_DONE in state.guard.noted or not _is_flat(state):
        return []
    state.guard.noted[_EXIT_DONE] = state.t_ns
    return [RaiseAlert(severity="info", code=_EXIT_DONE, text="no order, position or range left")]


def _is_flat(state: State) -> bool:
    """Tell whether nothing is left but what is smaller than one step."""
    if state.orders.working:
        return False
    for ticker, position in state.account.positions.items():
        listing = state.markets[ticker].listing if ticker in state.markets else None
        step = 1 if listing is None else listing.step_base_quantums
        if abs(position.quantums) >= step:
            return False
    return not any(pool.seen is not None and pool.seen.ranges for pool in state.pools.values())


def _failing(state: State) -> list[RaiseAlert]:
    found: list[RaiseAlert] = []
    for adapter, count in sorted(state.chain.failures.items()):
        key = f"CHAIN_FAILS:{adapter}"
        if count < _FAILURES or key in state.guard.noted:
            continue
        state.guard.noted[key] = state.t_ns
        text = f"{count} commands in a row failed; trying again ever more slowly"
        found.append(RaiseAlert(severity="warn", code="CHAIN_FAILS", text=f"{adapter}: {text}"))
    over = [
        key
        for key in state.guard.noted
        if key.startswith("CHAIN_FAILS:")
        and state.chain.failures.get(key.removeprefix("CHAIN_FAILS:"), 0) < _FAILURES
    ]
    for key in over:
        del state.guard.noted[key]
    return found
