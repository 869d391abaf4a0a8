"""Which transactions lock a stake, take it back and burn of it, and what each then bounds."""

from typing import TYPE_CHECKING, Any, Final

from keeper.cli.acting import Plan, Step, acting_if_any, possible
from keeper.cli.amounts import parse_amount, shown
from keeper.cli.failures import NothingClaimable
from keeper.cli.vault.stake_view import (
    Locked,
    deposit_bound,
    deposit_room,
    penalty_of,
    read_stake,
)
from keeper.domain.protocol import STAKE_WITHDRAWAL_SECONDS
from keeper.pages.times import in_time

if TYPE_CHECKING:
    from keeper.chain.calls import Call
    from keeper.chain.overview import Overview
    from keeper.cli.access import Signing
    from keeper.wallet import Wallet

__all__ = ["lock_plan", "penalise_plan", "request_plan", "withdraw_plan"]

CONTRACT: Final = "KeeperStake"
VAULT: Final = "MarketMakingVault"


async def lock_plan(
    wallet: "Wallet",
    signing: "Signing",
    what: tuple[str, str | None],
    *,
    may_approve: bool,
    preview: bool,
) -> Plan:
    """Plan locking shares, of the whole balance for "all", for the second account if one is given.

    Raises FundsMissing (not in a preview), ArgumentInvalid.
    """
    amount, beneficiary = what
    overview = await wallet.overview()
    account = acting_if_any(wallet, signing, preview=preview and not _is_all(amount))
    held, allowed = await _lockable(wallet, overview, account)
    shares = held if _is_all(amount) else _parsed(overview, amount)
    owner = beneficiary or account
    locked = await read_stake(wallet, overview, owner or overview.views.keeper)

    async def steps() -> list[Step]:
        if account:
            _require_held(overview, account, held, shares)
        return _lock_steps(overview, (shares, beneficiary), allowed, may_approve=may_approve)

    obstacles, found = await possible(steps, preview)
    terms = {
        "amount_shares": shares,
        "locked_for": owner,
        "balance_shares": held if account else None,
        "allowance_shares": allowed if account else None,
        **_after(overview, locked, locked.counting + shares),
    }
    return Plan(
        title=f"Lock {_shares(overview, shares)}",
        account=account,
        steps=found,
        terms={**terms, "next": "keeper vault stake show"},
        panel=[
            ("lock", f"{_shares(overview, shares)}; they leave 7 days after they are asked back"),
            *_after_panel(overview, locked, terms),
        ],
        obstacles=obstacles,
    )


async def _lockable(wallet: "Wallet", overview: "Overview", account: str | None) -> tuple[int, int]:
    """Shares that an account holds, and how many of them the stake's contract may take."""
    from keeper.chain.calls import view

    if not account:
        return 0, 0
    reads = [
        view(VAULT, wallet.vault, "balanceOf", account),
        view(VAULT, wallet.vault, "allowance", account, overview.stake.contract),
    ]
    held, allowed = await wallet.read(reads, overview.block)
    return held, allowed


def _lock_steps(
    overview: "Overview", what: tuple[int, str | None], allowed: int, *, may_approve: bool
) -> list[Step]:
    from keeper.chain.calls import view
    from keeper.wallet import FundsMissing

    shares, beneficiary = what
    contract = overview.stake.contract
    call = _call(overview, "stake", shares)
    if beneficiary is not None:
        call = _call(overview, "stakeFor", beneficiary, shares)
    lock = Step(f"lock {_shares(overview, shares)}", call)
    if allowed >= shares:
        return [lock]
    if not may_approve:
        raise FundsMissing(
            f"the stake may take {_shares(overview, allowed)} of the account, "
            f"{_shares(overview, shares)} are to be locked",
            next_step="send the approval of exactly these shares first: add --approve",
        )
    approval = view(VAULT, overview.vault, "approve", contract, shares)
    return [Step(f"approve {_shares(overview, shares)}", approval), lock]


async def request_plan(wallet: "Wallet", signing: "Signing", amount: str, *, preview: bool) -> Plan:
    """Plan asking shares back; "all" is everything that counts.

    Raises FundsMissing (not in a preview), ArgumentInvalid.
    """
    overview = await wallet.overview()
    account = acting_if_any(wallet, signing, preview=preview)
    locked = await read_stake(wallet, overview, account or overview.views.keeper)
    shares = locked.counting if _is_all(amount) else _parsed(overview, amount)

    async def steps() -> list[Step]:
        _require_counting(overview, locked, shares)
        text = f"ask {_shares(overview, shares)} back"
        return [Step(text, _call(overview, "requestWithdrawal", shares))]

    obstacles, found = await possible(steps, preview)
    leaves_at = overview.block.timestamp + STAKE_WITHDRAWAL_SECONDS
    terms = {
        "amount_shares": shares,
        "waiting_shares_after": locked.waiting + shares,
        "leaves_at_earliest": leaves_at,
        **_after(overview, locked, max(0, locked.counting - shares)),
    }
    leaves = in_time(leaves_at, overview.block.timestamp)
    panel = [("may leave", f"{_shares(overview, locked.waiting + shares)} {leaves}")]
    if locked.waiting:
        before = _shares(overview, locked.waiting)
        panel.append(("waits anew", f"{before} that waited already begin their 7 days again"))
    panel.append(("until then", "2 % of it may be burnt for each day that a cut is paid too late"))
    return Plan(
        title=f"Ask {_shares(overview, shares)} of the stake back",
        account=account,
        steps=found,
        terms={**terms, "next": "keeper vault stake show"},
        panel=[*panel, *_after_panel(overview, locked, terms)],
        obstacles=obstacles,
    )


async def withdraw_plan(wallet: "Wallet", signing: "Signing", *, preview: bool) -> Plan:
    """Plan taking back what waited, in a wind-down everything.

    Raises NothingClaimable, TransactionRefused (neither in a preview).
    """
    overview = await wallet.overview()
    account = acting_if_any(wallet, signing, preview=preview)
    locked = await read_stake(wallet, overview, account or overview.views.keeper)
    ended = overview.state == "WINDDOWN"
    shares = locked.waiting + (locked.counting if ended else 0)

    async def steps() -> list[Step]:
        _require_free(overview, locked, shares, ended=ended)
        return [Step(f"withdraw {_shares(overview, shares)}", _call(overview, "withdraw"))]

    obstacles, found = await possible(steps, preview)
    free_at = None if ended or not shares else locked.leaves_at
    when = "now" if free_at is None else in_time(free_at, overview.block.timestamp)
    return Plan(
        title=f"Withdraw {_shares(overview, shares)} of the stake",
        account=account,
        steps=found,
        terms={"amount_shares": shares, "leaves_at": free_at, "next": "keeper vault stake show"},
        panel=[("withdraw", f"{_shares(overview, shares)}, {when}")],
        obstacles=obstacles,
    )


async def penalise_plan(
    wallet: "Wallet", signing: "Signing", epoch: int | None, *, preview: bool
) -> Plan:
    """Plan burning a day's part of the keeper's stake, for a cut or the oldest unpaid one.

    Raises NothingClaimable, TransactionRefused (neither in a preview).
    """
    overview = await wallet.overview()
    anyone = bool(wallet.address or signing.sender)
    account = acting_if_any(wallet, signing, preview=preview) if anyone else ""
    locked = await read_stake(wallet, overview, overview.views.keeper)
    chosen = next((it for it in locked.unpaid if epoch in (None, it.epoch)), None)
    burnt = penalty_of(locked.counting) + penalty_of(locked.waiting)

    async def steps() -> list[Step]:
        if chosen is None:
            raise NothingClaimable(
                "no cut is unpaid" if epoch is None else f"cut {epoch} is not unpaid",
                next_step="see what counts: keeper vault stake show",
            )
        _require_due(overview, chosen.due_at)
        text = f"burn {_shares(overview, burnt)} of the keeper's stake for cut {chosen.epoch}"
        return [Step(text, _call(overview, "penalise", chosen.epoch))]

    obstacles, found = await possible(steps, preview)
    panel = [("burnt", f"{_shares(overview, burnt)}, shared by all other shares")]
    if chosen is not None:
        due = in_time(chosen.due_at, overview.block.timestamp)
        panel.append((f"cut {chosen.epoch}", f"a full day too late: {due}"))
    return Plan(
        title="Burn a part of the keeper's stake",
        account=account,
        steps=found,
        terms={
            "keeper": locked.account,
            "epoch": None if chosen is None else chosen.epoch,
            "due_at": None if chosen is None else chosen.due_at,
            "burnt_shares": burnt,
            "next": "keeper vault stake show",
        },
        panel=panel,
        obstacles=obstacles,
    )


def _require_held(overview: "Overview", account: str, held: int, shares: int) -> None:
    from keeper.wallet import FundsMissing

    if held < shares or held == 0:
        raise FundsMissing(
            f"{account} has {_shares(overview, held)}, "
            f"{_shares(overview, shares)} are to be locked",
            next_step="lock at most what it has (or: all); unclaimed shares first: "
            "keeper vault claim",
        )


def _require_counting(overview: "Overview", locked: Locked, shares: int) -> None:
    from keeper.wallet import FundsMissing

    if locked.counting < shares or shares == 0:
        raise FundsMissing(
            f"{_shares(overview, locked.counting)} of {locked.account} count, "
            f"{_shares(overview, shares)} are asked back",
            next_step="ask at most what counts (or: all): keeper vault stake show",
        )


def _require_free(overview: "Overview", locked: Locked, shares: int, *, ended: bool) -> None:
    from keeper.wallet import refusal

    if shares == 0:
        raise NothingClaimable(
            f"nothing of {locked.account} waits in the stake",
            next_step="ask for it first: keeper vault stake request-withdrawal SHARES",
        )
    if not ended and overview.block.timestamp < locked.leaves_at:
        raise refusal("StillLocked", f"withdraw: StillLocked({locked.leaves_at})")


def _require_due(overview: "Overview", due_at: int) -> None:
    from keeper.wallet import refusal

    if overview.block.timestamp < due_at:
        raise refusal("NotDue", f"penalise: NotDue({due_at})")


def _after(overview: "Overview", locked: Locked, counting: int) -> dict[str, Any]:
    """What counts afterwards, and what deposits are then filled up to if it is the keeper's."""
    bounds = locked.account.lower() == overview.views.keeper.lower()
    bound = deposit_bound(overview, counting) if bounds else overview.stake.deposit_cap
    return {
        "counts_for_the_vault": bounds,
        "counting_shares_after": counting,
        "bounds_nav_assets_after": bound,
        "deposit_room_assets_after": deposit_room(overview, bound),
    }


def _after_panel(
    overview: "Overview", locked: Locked, terms: dict[str, Any]
) -> list[tuple[str, str]]:
    token = overview.token

    def money(units: int) -> str:
        return shown(units, token.decimals, token.symbol)

    rows = [("counts then", _shares(overview, terms["counting_shares_after"]))]
    if not terms["counts_for_the_vault"]:
        rows.append(("bounds", f"nothing: {locked.account} is not the vault's keeper"))
        return rows
    bound, room = terms["bounds_nav_assets_after"], terms["deposit_room_assets_after"]
    rows.append(("deposits filled up to", f"{money(bound)} of NAV, room for {money(room)}"))
    return rows


def _is_all(amount: str) -> bool:
    return amount.strip().lower() == "all"


def _parsed(overview: "Overview", amount: str) -> int:
    return parse_amount(amount, overview.token.share_decimals, overview.token.share_symbol)


def _shares(overview: "Overview", units: int) -> str:
    return shown(units, overview.token.share_decimals, overview.token.share_symbol)


def _call(overview: "Overview", name: str, *arguments: Any) -> "Call":
    from keeper.chain.calls import view

    return view(CONTRACT, overview.stake.contract, name, *arguments)
