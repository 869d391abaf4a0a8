"""What is done for depositors beside trading: cut, report, claims, and telling of deadlines.

Bringing capital home for what is owed stands in `keeper/core/capital.py`.
"""

from keeper.core.dispatch import EPOCH, is_ready, send
from keeper.core.state import State
from keeper.core.views import venue_was_up
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import (
    CloseEpoch,
    CollectReport,
    Command,
    RaiseAlert,
    SubmitReport,
)
from keeper.domain.events import DutiesObserved, Event, ReportCollected, VaultObserved
from keeper.domain.settings import HousekeepingSettings
from keeper.domain.units import NS_PER_SECOND
from keeper.inventory.duties import Standing, late, wait_seconds, worthwhile
from keeper.risk.house import (
    CutView,
    approve_claim,
    approve_cut,
    approve_question,
    approve_report,
)
from keeper.risk.phase import Phase

__all__ = ["CLAIM", "REPORT", "deadlines", "keep_house", "standing"]

REPORT = "report"
"""The key of the report among the commands under way."""
CLAIM = "claim:"
"""How the key of a claim begins; its side and its controller follow."""
_CLAIMS_AT_ONCE = 4  # one account sends one after the other: capital comes home in between
_DEADLINE = "DEADLINE:"


def keep_house(
    state: State, event: Event, settings: HousekeepingSettings, out: list[Approved[Command]]
) -> list[Refused]:
    """Act on what was just learnt; returns what the limits refused."""
    vault = state.chain.vault
    if vault is None or state.chain.vault_t_ns < 0 or state.guard.phase is Phase.HALTED:
        return []
    if isinstance(event, VaultObserved):
        refused = [_take_cut(state, vault, settings, out)]
        _ask_reporters(state, vault, settings, out)
    elif isinstance(event, ReportCollected):
        refused = [_submit(state, vault, event, out)]
    elif isinstance(event, DutiesObserved):
        refused = _claim(state, settings, out)
    else:
        refused = []
    return [entry for entry in refused if entry is not None]


def standing(state: State, vault: VaultObserved, settings: HousekeepingSettings) -> Standing:
    """Collect what duties and deadlines are measured by."""
    seen = state.duties.seen
    return Standing(
        now=vault.block_timestamp,
        state=vault.state,
        epoch=vault.epoch,
        cut_at=vault.cut_at,
        next_cut_at=vault.next_cut_at,
        last_settled_at=vault.last_settled_at,
        unpaid_since=0 if seen is None else seen.unpaid_since,
        penalty_due_at=0 if seen is None else seen.penalty_due_at,
        stake_bound=None if seen is None else seen.stake_bound,
        accepted_nav=vault.accepted_nav,
        supply=vault.supply,
        deposits_waiting=vault.deposits_waiting,
        wait=_wait(state, vault, settings),
    )


def deadlines(state: State, event: Event, settings: HousekeepingSettings) -> list[RaiseAlert]:
    """Return an alert for each deadline that came near; each is said once while it stays near."""
    vault = state.chain.vault
    if vault is None or not isinstance(event, VaultObserved | DutiesObserved):
        return []
    near = late(standing(state, vault, settings), settings)
    keys = {f"{_DEADLINE}{entry.code}:{entry.subject}": entry for entry in near}
    noted = state.guard.noted
    for key in [k for k in noted if k.startswith(_DEADLINE) and k not in keys]:
        del noted[key]
    fresh = [key for key in keys if key not in noted]
    noted.update(dict.fromkeys(fresh, state.t_ns))
    told = [keys[key] for key in fresh]
    return [RaiseAlert(severity=it.severity, code=it.code, text=it.text) for it in told]


def _is_empty(vault: VaultObserved) -> bool:
    return vault.supply == 0 and vault.deposits_waiting == 0


def _wait(state: State, vault: VaultObserved, settings: HousekeepingSettings) -> int:
    """How long this keeper leaves the epoch to others; drawn by what tells its run from theirs."""
    seat = f"{state.vault}/{state.subaccount}/{state.orders.client_id_base}"
    return wait_seconds(settings, seat, vault.epoch)


def _take_cut(
    state: State,
    vault: VaultObserved,
    settings: HousekeepingSettings,
    out: list[Approved[Command]],
) -> Refused | None:
    """Cut the epoch once the contract allows it and the others had their time.

    Not before the venue was connected in this run: a keeper that cannot start changes nothing.
    An empty vault is left alone, so that its first depositor waits for no second cut.
    """
    due = vault.block_timestamp >= vault.next_cut_at + _wait(state, vault, settings)
    if vault.state != "OPEN" or not due or _is_empty(vault) or not venue_was_up(state):
        return None
    if not is_ready(state, EPOCH, vault.block_number):
        return None
    view = CutView(
        phase=state.guard.phase,
        reporters=settings.reporters,
        now=vault.block_timestamp,
        next_cut_at=vault.next_cut_at,
    )
    return send(state, EPOCH, approve_cut(CloseEpoch(epoch=vault.epoch + 1), view), 0, out)


def _ask_reporters(
    state: State,
    vault: VaultObserved,
    settings: HousekeepingSettings,
    out: list[Approved[Command]],
) -> None:
    """Ask for the open cut's report, again after a pause while there is none to submit."""
    duties = state.duties
    due = vault.block_timestamp >= vault.cut_at + _wait(state, vault, settings)
    if vault.state != "CUT" or settings.reporters == 0 or not due:
        return
    if not is_ready(state, REPORT, vault.block_number):
        return
    asked_before = duties.asked_epoch == vault.epoch and duties.asked_t_ns >= 0
    pause = settings.report_retry_seconds * NS_PER_SECOND
    if asked_before and state.t_ns < duties.asked_t_ns + pause:
        return
    duties.asked_epoch, duties.asked_t_ns = vault.epoch, state.t_ns
    verdict = approve_question(CollectReport(epoch=vault.epoch), state.guard.phase)
    if isinstance(verdict, Approved):
        out.append(verdict)


def _submit(
    state: State, vault: VaultObserved, said: ReportCollected, out: list[Approved[Command]]
) -> Refused | None:
    """Submit what a quorum signed; anything less is asked for again."""
    if said.report is None or len(said.signatures) < said.quorum:
        return None
    if vault.state != "CUT" or not is_ready(state, REPORT, vault.block_number):
        return None
    command = SubmitReport(report=said.report, signatures=said.signatures)
    verdict = approve_report(command, vault, said.quorum, state.guard.phase)
    return send(state, REPORT, verdict, 0, out)


def _claim(
    state: State, settings: HousekeepingSettings, out: list[Approved[Command]]
) -> list[Refused | None]:
    """Collect what is worth its gas for those who named this keeper, a few at a time."""
    seen = state.duties.seen
    if seen is None:
        return []
    under_way = sum(key.startswith(CLAIM) for key in state.chain.outstanding)
    refused: list[Refused | None] = []
    for command, _worth in worthwhile(seen.claims, settings.claim_floor_assets):
        key = f"{CLAIM}{command.side}:{command.controller}"
        if under_way >= _CLAIMS_AT_ONCE:
            break
        if not is_ready(state, key, seen.block_number):
            continue
        verdict = approve_claim(command, seen, settings.claim_floor_assets, state.guard.phase)
        refused.append(send(state, key, verdict, 0, out))
        under_way += 1
    return refused
