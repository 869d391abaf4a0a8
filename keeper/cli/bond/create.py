"""Which transactions create a bond market, and why it cannot be done where not."""

from typing import TYPE_CHECKING, Any, Final

from keeper.cli.acting import Plan, Step, acting_if_any, possible
from keeper.cli.bond.draft import make_draft
from keeper.cli.bond.preview import creation_panel, creation_terms, last_expiry, tokens_of
from keeper.cli.bond.reach import reader_of
from keeper.pages.times import clock_time

if TYPE_CHECKING:
    from keeper.cli.access import Signing
    from keeper.cli.bond.draft import Draft
    from keeper.cli.bond.file import BondFile
    from keeper.wallet import Wallet

__all__ = ["DEADLINE_SIGNED_SECONDS", "DEADLINE_UNSIGNED_SECONDS", "create_plan", "deadline_of"]

ERC20: Final = "MarketMakingVault"
DEADLINE_SIGNED_SECONDS: Final = 3_600
DEADLINE_UNSIGNED_SECONDS: Final = 7 * 86_400
"""A multisig gathers its signatures first."""


def deadline_of(signing: "Signing", now: int, seconds: int | None) -> int:
    """Last moment of a transaction [unix seconds]: `seconds` from now, or by who signs."""
    by_signer = DEADLINE_SIGNED_SECONDS if signing.sends else DEADLINE_UNSIGNED_SECONDS
    return now + (by_signer if seconds is None else seconds)


async def create_plan(
    wallet: "Wallet",
    signing: "Signing",
    bond: "BondFile",
    deadline_seconds: int | None,
    *,
    preview: bool,
) -> Plan:
    """Plan the creation of a market, with its project where that is new, and the approval.

    Raises ArgumentInvalid, BondUnknown, and FundsMissing and TransactionRefused but in a preview.
    """
    account = acting_if_any(wallet, signing, preview=preview)
    draft = await make_draft(wallet, reader_of(wallet), bond, account)
    deadline = deadline_of(signing, draft.block.timestamp, deadline_seconds)
    terms = creation_terms(draft, deadline)

    async def steps() -> list[Step]:
        found = _steps(draft, account, deadline)
        if preview and account:
            # What would be refused stands in the preview too: nobody escrows to find it out.
            await wallet.rehearse(account, [step.call for step in found], _transfer(draft))
        return found

    obstacles, found = await possible(steps, preview)
    return Plan(
        title=f"Escrow {tokens_of(draft, draft.lot.capacity)} and open the market",
        account=account,
        steps=found,
        terms=terms,
        panel=creation_panel(draft, terms),
        probe=_transfer(draft),
        obstacles=obstacles,
        about={"lens": wallet.vault, "teller": draft.parts.teller},
        confirmed=True,
    )


def _transfer(draft: "Draft") -> Any:
    """Fails as the escrow would, for a balance or a pause, without an allowance."""
    from keeper.chain.calls import view

    return view(ERC20, draft.token.address, "transfer", draft.parts.teller, draft.lot.capacity)


def _steps(draft: "Draft", account: str, deadline: int) -> list[Step]:
    from keeper.chain.bond_creation import creation
    from keeper.chain.calls import view

    if account:
        _require_owner(draft, account)
        _require_tokens(draft, account)
    _require_lock(draft)
    create = creation(
        draft.parts.teller,
        _project_params(draft),
        _market_params(draft),
        min_floor=draft.min_floor,
        deadline=deadline,
    )
    what = "create the market" if draft.found.treasury else "create project and market"
    steps = [Step(f"{what}, escrow {tokens_of(draft, draft.lot.capacity)}", create)]
    if draft.token.allowed < draft.lot.capacity:
        approval = view(
            ERC20, draft.token.address, "approve", draft.parts.teller, draft.lot.capacity
        )
        steps.insert(0, Step(f"approve {tokens_of(draft, draft.lot.capacity)}", approval))
    return steps


def _project_params(draft: "Draft") -> Any:
    from keeper.chain.bond_creation import ProjectParams

    found = draft.found
    if found.markets is None:
        return None
    return ProjectParams(
        token=found.token,
        vault=found.vault,
        markets=found.markets,
        pool=found.markets.pools.index(found.pool),
        pol_unlock=found.pol_unlock,
    )


def _market_params(draft: "Draft") -> Any:
    from keeper.chain.bond_creation import MarketParams, dutch_data, oracle_data

    data = b""
    if draft.dutch is not None:
        data = dutch_data(draft.dutch)
    if draft.oracle is not None:
        data = oracle_data(draft.oracle)
    return MarketParams(
        project=draft.found.treasury,
        auctioneer=draft.parts.auctioneers[draft.kind],
        capacity=draft.lot.capacity,
        duration=draft.lot.duration,
        cliff=draft.cliff,
        vesting=draft.vesting,
        accepts_shares=draft.accepts_shares,
        terms=data,
    )


def _require_owner(draft: "Draft", account: str) -> None:
    from keeper.wallet import refusal

    if draft.found.owner and draft.found.owner != account:
        raise refusal("NotProjectOwner", f"the project is {draft.found.owner}'s, not {account}'s")


def _require_tokens(draft: "Draft", account: str) -> None:
    from keeper.wallet import FundsMissing

    if draft.token.held < draft.lot.capacity:
        raise FundsMissing(
            f"{account} has {tokens_of(draft, draft.token.held)}, "
            f"the market escrows {tokens_of(draft, draft.lot.capacity)}",
            next_step="offer at most what it has, or send it the rest",
        )


def _require_lock(draft: "Draft") -> None:
    from keeper.wallet import refusal

    if draft.found.pol_unlock < (least := last_expiry(draft)):
        raise refusal(
            "LockTooShort",
            f"the lock ends {clock_time(draft.found.pol_unlock)}, "
            f"the last note vests {clock_time(least)}",
        )
