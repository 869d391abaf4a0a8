"""Which transactions the guardian or the owner of a vault would send, and what they change."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.acting import Plan, Step, acting
from keeper.cli.admin.offices import MANDATE, NOBODY, Offices, call_text, read_offices
from keeper.cli.amounts import parse_amount, shown
from keeper.cli.durations import parse_duration
from keeper.cli.failures import ArgumentInvalid
from keeper.pages.times import clock_time, in_time, lasting

if TYPE_CHECKING:
    from keeper.chain.calls import Call
    from keeper.chain.timelock import Inner, Operation
    from keeper.cli.access import Signing
    from keeper.wallet import Wallet

__all__ = [
    "Change",
    "LimitsGiven",
    "cancel_plan",
    "delay_change",
    "end_plan",
    "execute_plan",
    "find_operation",
    "limits_change",
    "object_plan",
    "pause_plan",
    "propose_plan",
    "remove_reporter_plan",
    "reporters_change",
    "role_change",
    "tighten_plan",
    "unpause_plan",
    "veto_plan",
]

LOCK: Final = "VaultTimelock"
REPORTER: Final = "NavReporter"
MOST_SALTS: Final = 64
SHOW: Final = "keeper admin show"
ROLES: Final = {
    "keeper": "setKeeper",
    "guardian": "setGuardian",
    "fee-recipient": "setFeeRecipient",
    "deposit-gate": "setDepositGate",
}


@dataclass(frozen=True, slots=True)
class LimitsGiven:
    """Limits as given on the command line; None keeps what is. The cap is a decimal amount."""

    deposit_cap: str | None
    venue_cap_bps: int | None
    min_on_chain_bps: int | None
    fee_bps: int | None
    min_stake_bps: int | None

    def over(self, offices: Offices) -> tuple[int, ...]:
        """All five limits, in the contract's order. Raises ArgumentInvalid when none is given."""
        if all(getattr(self, entry.name) is None for entry in fields(self)):
            raise ArgumentInvalid(
                "no limit is named", next_step="name one, for example --deposit-cap 1,000,000"
            )
        current, token = offices.overview.limits, offices.overview.token
        cap = current.deposit_cap
        if self.deposit_cap is not None:
            cap = parse_amount(self.deposit_cap, token.decimals, token.symbol)
        names = ("venue_cap_bps", "min_on_chain_bps", "fee_bps", "min_stake_bps")
        given = [getattr(self, name) for name in names]
        kept = [getattr(current, name) for name in names]
        rest = [old if new is None else new for new, old in zip(given, kept, strict=True)]
        return (cap, *rest)


@dataclass(frozen=True, slots=True)
class Change:
    """A setter of the owner: the call, and what it changes in words."""

    call: "Call"
    rows: Sequence[tuple[str, str]]


# The guardian


async def pause_plan(wallet: "Wallet", signing: "Signing", duration: str) -> Plan:
    """Plan a pause of new deposits and new risk. Raises ArgumentInvalid."""
    offices, seconds = await read_offices(wallet), parse_duration(duration)
    until = clock_time(offices.block.timestamp + seconds)
    return _guardians(
        (wallet, signing, offices),
        f"Pause for {lasting(seconds)}",
        _mandate_call(offices, "pause", seconds),
        [
            ("stops", "deposit requests, allocations, operations that increase risk"),
            ("goes on", "redemptions, cancels, claims, reports, settlements, ways home"),
            ("ends", f"by itself about {until}; the next begins 14 days after at the earliest"),
        ],
    )


async def unpause_plan(wallet: "Wallet", signing: "Signing") -> Plan:
    """Plan the end of a pause before its time."""
    offices = await read_offices(wallet)
    now = "running" if offices.is_paused else "not paused"
    rows = [("pause", f"{now} -> over; the next may begin 14 days from then")]
    call = _mandate_call(offices, "unpause")
    return _guardians((wallet, signing, offices), "End the pause", call, rows)


async def tighten_plan(wallet: "Wallet", signing: "Signing", given: LimitsGiven) -> Plan:
    """Plan tighter limits, at once. Raises ArgumentInvalid."""
    offices = await read_offices(wallet)
    limits = given.over(offices)
    call = _mandate_call(offices, "tightenLimits", limits)
    rows = limit_rows(offices, limits)
    return _guardians((wallet, signing, offices), "Tighten the limits", call, rows)


async def object_plan(wallet: "Wallet", signing: "Signing") -> Plan:
    """Plan an objection to the open cut."""
    offices = await read_offices(wallet)
    rows = [
        ("cut", "open -> sent back; every request can be cancelled, the next cut is a day away"),
        ("after it", "this account may not object or veto for 7 days"),
    ]
    call = _reporter_call(offices, "object")
    return _guardians((wallet, signing, offices), "Object to the open cut", call, rows)


async def veto_plan(wallet: "Wallet", signing: "Signing") -> Plan:
    """Plan the veto of a waiting gain."""
    offices = await read_offices(wallet)
    token, gate = offices.overview.token, offices.overview.reporting.gate
    waiting = shown(gate[2], token.decimals, token.symbol)
    rows = [
        ("waiting gain", f"{waiting} -> none; what is still there waits 3 days anew"),
        ("after it", "this account may not object or veto for 7 days"),
    ]
    call = _reporter_call(offices, "vetoSlot")
    return _guardians((wallet, signing, offices), "Veto the waiting gain", call, rows)


async def remove_reporter_plan(wallet: "Wallet", signing: "Signing", reporter: str) -> Plan:
    """Plan the removal of a reporter, at once. Raises ArgumentInvalid when it is none."""
    offices = await read_offices(wallet)
    reporting = offices.overview.reporting
    if reporter not in reporting.reporters:
        raise ArgumentInvalid(
            f"{reporter} is no reporter of this vault", next_step="see: keeper admin show"
        )
    left = len(reporting.reporters) - 1
    rows = [("reporters", f"{left + 1} -> {left}, of whom {reporting.quorum} must sign")]
    if left < reporting.quorum:
        rows.append(("then", "too few are left: nothing settles, and the vault winds down"))
    call = _reporter_call(offices, "removeReporter", reporter)
    return _guardians((wallet, signing, offices), f"Remove the reporter {reporter}", call, rows)


async def end_plan(wallet: "Wallet", signing: "Signing") -> Plan:
    """Plan the wind-down by the guardian."""
    from keeper.chain.calls import view

    offices = await read_offices(wallet)
    rows = [("vault", f"{offices.overview.state} -> WINDDOWN, for ever: nobody can stop it")]
    call = view("WindDown", offices.overview.views.wind_down, "startImpaired")
    return _guardians((wallet, signing, offices), "End the vault", call, rows)


def _guardians(
    given: "tuple[Wallet, Signing, Offices]",
    title: str,
    call: "Call",
    rows: Sequence[tuple[str, str]],
) -> Plan:
    wallet, signing, offices = given
    return Plan(
        title=title,
        account=acting(wallet, signing),
        steps=[Step(title.lower(), call)],
        terms={"mandate": offices.mandate, "takes_effect": "at once", "next": SHOW},
        panel=rows,
    )


# The owner: what changes


def role_change(offices: Offices, role: str, account: str) -> Change:
    """Another keeper, guardian, fee recipient or deposit gate."""
    before = {
        "keeper": offices.keeper,
        "guardian": offices.guardian,
        "fee-recipient": offices.fee_recipient,
        "deposit-gate": offices.deposit_gate,
    }[role]
    row = (role.replace("-", " "), f"{_account(before)} -> {_account(account)}")
    return Change(_mandate_call(offices, ROLES[role], account), [row])


def limits_change(offices: Offices, given: LimitsGiven) -> Change:
    """Other limits, in either direction. Raises ArgumentInvalid."""
    limits = given.over(offices)
    return Change(_mandate_call(offices, "setLimits", limits), limit_rows(offices, limits))


def reporters_change(offices: Offices, reporters: Sequence[str], quorum: int) -> Change:
    """Another set of reporters. Raises ArgumentInvalid."""
    if len(set(reporters)) != len(reporters):
        raise ArgumentInvalid("a reporter is named twice", next_step="name each once")
    current = offices.overview.reporting
    rows = [
        ("quorum", f"{current.quorum} of {len(current.reporters)} -> {quorum} of {len(reporters)}"),
        *(("leaves", account) for account in current.reporters if account not in reporters),
        *(("joins", account) for account in reporters if account not in current.reporters),
    ]
    return Change(_reporter_call(offices, "setReporters", list(reporters), quorum), rows)


def delay_change(offices: Offices, duration: str) -> Change:
    """Another delay of the timelock. Raises ArgumentInvalid."""
    from keeper.chain.calls import view

    seconds = parse_duration(duration)
    if offices.delay is None:
        raise ArgumentInvalid(
            f"the owner {offices.owner} is no timelock", next_step="see: keeper admin show"
        )
    rows = [("delay", f"{lasting(offices.delay)} -> {lasting(seconds)}, for later operations")]
    return Change(view(LOCK, offices.owner, "updateDelay", seconds), rows)


def limit_rows(offices: Offices, after: Sequence[int]) -> list[tuple[str, str]]:
    """Before and after of every limit that changes."""
    limits, token = offices.overview.limits, offices.overview.token
    rows = []
    for entry, new in zip(fields(limits), after, strict=True):
        old = getattr(limits, entry.name)
        if entry.name == "deposit_cap":
            texts = [shown(amount, token.decimals, token.symbol) for amount in (old, new)]
        else:
            texts = [f"{bps / 100:g} %" for bps in (old, new)]
        if old != new:
            label = entry.name.removesuffix("_bps").replace("_", " ")
            rows.append((label, f"{texts[0]} -> {texts[1]}"))
    if not rows:
        raise ArgumentInvalid("these are the limits already", next_step="see: keeper admin show")
    return rows


# The owner: how it comes about


async def propose_plan(
    wallet: "Wallet", signing: "Signing", offices: Offices, change: Change
) -> Plan:
    """Plan the announcement of a change, or the change itself where the owner is no timelock.

    Raises TransactionRefused when the change would be refused at its execution.
    """
    await _require_possible(wallet, offices, change)
    account = acting(wallet, signing)
    name = change.call.function.name
    if offices.delay is None:
        return Plan(
            title=f"Change at once: {name}",
            account=account,
            steps=[Step(f"{name}, at once: the owner is no timelock", change.call)],
            terms={"mandate": offices.mandate, "takes_effect": "at once", "next": SHOW},
            panel=change.rows,
        )
    inner = _inner(change.call)
    id_, salt = await _free_id(wallet, offices, inner)
    ready = clock_time(offices.block.timestamp + offices.delay)
    return Plan(
        title=f"Announce {name}",
        account=account,
        steps=[Step(f"announce {name}", _schedule(offices, inner, salt))],
        terms={
            "timelock": offices.owner,
            "operation": id_,
            "delay_seconds": offices.delay,
            "next": f"keeper admin execute {id_[:10]}, once it is ready",
        },
        panel=[
            *change.rows,
            ("operation", id_),
            ("takes effect", f"by keeper admin execute, about {ready} at the earliest"),
            ("and not before", "redemptions requested until now are paid"),
        ],
    )


async def execute_plan(wallet: "Wallet", signing: "Signing", operation: "Operation") -> Plan:
    """Plan the execution of what is ready; anyone may. Raises TransactionRefused."""
    from keeper.wallet import TransactionRefused

    offices = await read_offices(wallet)
    now = offices.block.timestamp
    if operation.ready_at > now:
        raise TransactionRefused(
            f"{operation.id} is not ready: {in_time(operation.ready_at, now)}",
            next_step="wait until then; until that the guardian may cancel it",
        )
    if operation.unpaid:
        raise TransactionRefused(
            f"redemptions up to epoch {operation.redemptions_up_to}, asked for before it was "
            "announced, are unpaid",
            next_step="bring assets home and settle: keeper vault show",
        )
    anyone = acting(wallet, signing) if wallet.address or signing.sender else ""
    return Plan(
        title=f"Execute {operation.id}",
        account=anyone,
        steps=[Step(f"execute {_texts(operation)}", _execution(offices, operation))],
        terms={"timelock": offices.owner, "operation": operation.id, "next": SHOW},
        panel=[("does", call_text(call)) for call in operation.calls],
    )


async def cancel_plan(wallet: "Wallet", signing: "Signing", operation: "Operation") -> Plan:
    """Plan sending an announcement back: the owner's multisig or the guardian."""
    from keeper.chain.calls import view

    offices = await read_offices(wallet)
    call = view(LOCK, offices.owner, "cancel", bytes.fromhex(operation.id[2:]))
    return Plan(
        title=f"Cancel {operation.id}",
        account=acting(wallet, signing),
        steps=[Step(f"cancel {_texts(operation)}", call)],
        terms={"timelock": offices.owner, "operation": operation.id, "next": SHOW},
        panel=[("no longer", call_text(inner)) for inner in operation.calls],
    )


def find_operation(pending: "Sequence[Operation]", text: str) -> "Operation":
    """Find what waits by its id or the beginning of it. Raises ArgumentInvalid."""
    wanted = text.strip().lower()
    found = [operation for operation in pending if operation.id.startswith(wanted)]
    if len(found) != 1 or not wanted.startswith("0x"):
        waiting = ", ".join(operation.id[:10] for operation in pending) or "nothing"
        raise ArgumentInvalid(
            f"{text} names {len(found) or 'none'} of what waits ({waiting})",
            next_step="copy the operation from: keeper admin show",
        )
    return found[0]


# Calls


def _mandate_call(offices: Offices, name: str, *arguments: Any) -> "Call":
    from keeper.chain.calls import view

    return view(MANDATE, offices.mandate, name, *arguments)


def _reporter_call(offices: Offices, name: str, *arguments: Any) -> "Call":
    from keeper.chain.calls import view

    return view(REPORTER, offices.overview.views.reporter, name, *arguments)


def _inner(call: "Call") -> "Inner":
    from keeper.chain.codec import checksum
    from keeper.chain.timelock import Inner

    return Inner(checksum(call.to), 0, call.function.encode(*call.arguments))


def _schedule(offices: Offices, inner: "Inner", salt: str) -> "Call":
    from keeper.chain.calls import view

    return view(
        LOCK, offices.owner, "schedule", *_laid_out(inner), bytes(32), _raw(salt), offices.delay
    )


def _execution(offices: Offices, operation: "Operation") -> "Call":
    from keeper.chain.calls import view

    tail = (_raw(operation.predecessor), _raw(operation.salt))
    if not operation.is_batch:
        return view(LOCK, offices.owner, "execute", *_laid_out(operation.calls[0]), *tail)
    columns = [list(column) for column in zip(*map(_laid_out, operation.calls), strict=True)]
    return view(LOCK, offices.owner, "executeBatch", *columns, *tail)


def _laid_out(inner: "Inner") -> tuple[str, int, bytes]:
    return inner.target, inner.value, _raw(inner.data)


async def _require_possible(wallet: "Wallet", offices: Offices, change: Change) -> None:
    """A week is long to learn that it would be refused."""
    from keeper.chain.calls import CallReverted
    from keeper.wallet import refusal

    (answer,) = await wallet.try_as(offices.owner, [change.call], offices.block)
    if isinstance(answer, CallReverted):
        raise refusal(answer.error, f"{change.call.function.name}: {answer.detail}")


async def _free_id(wallet: "Wallet", offices: Offices, inner: "Inner") -> tuple[str, str]:
    """The same change may be announced again later: under the first salt that is not used."""
    from keeper.chain.calls import view
    from keeper.chain.timelock import ZERO_HASH, operation_id

    salts = [f"0x{number:064x}" for number in range(MOST_SALTS)]
    ids = [operation_id(inner, ZERO_HASH, salt) for salt in salts]
    times = await wallet.read(
        [view(LOCK, offices.owner, "getTimestamp", _raw(id_)) for id_ in ids], offices.block
    )
    for id_, salt, time in zip(ids, salts, times, strict=True):
        if time == 0:
            return id_, salt
    raise ArgumentInvalid(
        "this change was announced too often", next_step="cancel or execute: keeper admin show"
    )


def _texts(operation: "Operation") -> str:
    return ", ".join(call_text(call) for call in operation.calls)


def _account(address: str) -> str:
    return "none" if address == NOBODY else address


def _raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
