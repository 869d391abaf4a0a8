"""Which transactions it takes to claim, to cancel, to cut the epoch and to name an operator."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from keeper.cli.acting import Plan, Step, acting
from keeper.cli.amounts import shown
from keeper.cli.failures import NothingClaimable
from keeper.pages.times import in_time

if TYPE_CHECKING:
    from keeper.chain.overview import Overview, Token
    from keeper.cli.access import Signing
    from keeper.wallet import Wallet

__all__ = ["cancel_plan", "claim_plan", "cut_plan", "operator_plan"]

CONTRACT: Final = "MarketMakingVault"


class Cancelled(NamedTuple):
    """The functions that take back one side's requests, and what requests are counted in."""

    pending: str
    cancel: str
    claimable: str
    claim: str
    unit: str


CANCELLED: Final = {
    "deposit": Cancelled(
        *("pendingDepositRequest", "cancelDepositRequest"),
        *("claimableCancelDepositRequest", "claimCancelDepositRequest", "assets"),
    ),
    "redeem": Cancelled(
        *("pendingRedeemRequest", "cancelRedeemRequest"),
        *("claimableCancelRedeemRequest", "claimCancelRedeemRequest", "shares"),
    ),
}


class _Waiting(NamedTuple):
    """What a controller may fetch [asset units, share units]: settled both ways, and cancelled."""

    deposited: int
    redeemed: int
    mintable: int
    payable: int
    refund: int
    returning: int


async def claim_plan(wallet: "Wallet", signing: "Signing", controller: str | None) -> Plan:
    """Plan the claim of everything settled or cancelled; it goes to the controller, whoever sends.

    Raises NothingClaimable, NotOperator.
    """
    from keeper.chain.calls import view

    account = acting(wallet, signing)
    owner = controller or account
    overview = await wallet.overview()
    assets, shares, mintable, payable, refund, returning, allowed = await wallet.read(
        [
            *(
                view(CONTRACT, wallet.vault, name, owner)
                for name in ("maxDeposit", "maxRedeem", "maxMint", "maxWithdraw")
            ),
            *(view(CONTRACT, wallet.vault, it.claimable, 0, owner) for it in CANCELLED.values()),
            view(CONTRACT, wallet.vault, "isOperator", owner, account),
        ],
        overview.block,
    )
    _require_operator(account, owner, allowed=allowed)
    waiting = _Waiting(assets, shares, mintable, payable, refund, returning)
    steps = _claim_steps(wallet.vault, owner, waiting, overview.token)
    if not steps:
        raise NothingClaimable(
            f"{owner} has nothing to claim",
            next_step=f"see what waits: keeper vault requests {owner}",
        )
    terms = {
        "controller": owner,
        "claimable_shares": mintable,
        "for_deposited_assets": assets,
        "claimable_assets": payable,
        "for_redeemed_shares": shares,
        "cancelled_assets": refund,
        "cancelled_shares": returning,
    }
    panel = [("claim", ", ".join(step.what.removeprefix("claim ") for step in steps))]
    panel.append(("paid to", owner))
    return Plan(title="Claim", account=account, steps=steps, terms=terms, panel=panel)


def _claim_steps(vault: str, owner: str, waiting: _Waiting, token: "Token") -> list[Step]:
    """A step for each kind of claim that has something in it."""
    from keeper.chain.calls import view

    shares = (token.share_decimals, token.share_symbol)
    assets = (token.decimals, token.symbol)
    claims = (
        ("deposit", waiting.deposited, shown(waiting.mintable, *shares)),
        ("redeem", waiting.redeemed, shown(waiting.payable, *assets)),
    )
    refunds = (
        (CANCELLED["deposit"].claim, waiting.refund, shown(waiting.refund, *assets)),
        (CANCELLED["redeem"].claim, waiting.returning, shown(waiting.returning, *shares)),
    )
    steps = [
        Step(f"claim {text}", view(CONTRACT, vault, name, amount, owner, owner))
        for name, amount, text in claims
        if amount
    ]
    steps += [
        Step(f"claim {text} cancelled", view(CONTRACT, vault, name, 0, owner, owner))
        for name, amount, text in refunds
        if amount
    ]
    return steps


def _require_operator(account: str, controller: str, *, allowed: bool) -> None:
    if account != controller and not allowed:
        from keeper.wallet import TransactionRefused

        raise TransactionRefused(
            f"{account} is no operator of {controller}",
            next_step=f"{controller} runs: keeper vault operator {account}",
        )


async def cancel_plan(wallet: "Wallet", signing: "Signing", side: str) -> Plan:
    """Plan the cancellation of what still waits of a request; say what comes back and what stays.

    What is in an open cut stays: it cannot be cancelled before the cut settles, lapses or is held.
    """
    from keeper.chain.calls import view
    from keeper.domain.protocol import REPORT_WINDOW_SECONDS

    account = acting(wallet, signing)
    names = CANCELLED[side]
    overview = await wallet.overview()
    call = view(CONTRACT, wallet.vault, names.cancel, 0, account)
    claim = view(CONTRACT, wallet.vault, names.claim, 0, account, account)
    pending = view(CONTRACT, wallet.vault, names.pending, 0, account)
    (waiting,) = await wallet.read([pending], overview.block)
    (found,) = await wallet.try_as(account, [call], overview.block)
    # A call that reverts is refused by the rehearsal, with its reason and what to do.
    back = int(found[0]) if isinstance(found, tuple) else 0
    lapses_at = overview.views.cut[1] + REPORT_WINDOW_SECONDS
    terms = {
        "side": side,
        f"returned_{names.unit}": back,
        f"in_the_cut_{names.unit}": waiting - back,
        "cut_lapses_at": lapses_at if waiting > back else None,
    }
    return Plan(
        title=f"Cancel the {side} request",
        account=account,
        steps=[Step(f"cancel {side} request", call), Step("claim what was cancelled", claim)],
        terms=terms,
        panel=_cancel_panel(overview, account, names.unit, terms),
    )


def _cancel_panel(
    overview: "Overview", account: str, unit: str, terms: dict[str, Any]
) -> list[tuple[str, str]]:
    token = overview.token
    decimals, symbol = token.decimals, token.symbol
    if unit == "shares":
        decimals, symbol = token.share_decimals, token.share_symbol
    panel = [("comes back", f"{shown(terms[f'returned_{unit}'], decimals, symbol)}, at once")]
    if terms["cut_lapses_at"] is not None:
        stays = shown(terms[f"in_the_cut_{unit}"], decimals, symbol)
        until = in_time(terms["cut_lapses_at"], overview.block.timestamp)
        panel.append(("stays in the cut", f"{stays} until it settles, or lapses {until}"))
    panel.append(("settled before", f"stays yours: keeper vault requests {account}"))
    return panel


async def cut_plan(wallet: "Wallet", signing: "Signing") -> Plan:
    """Plan the cut of the epoch."""
    from keeper.chain.calls import view
    from keeper.chain.vault import STATES

    block = await wallet.head()
    state, earliest = await wallet.vault_views(("state", "nextCutTime"), block)
    account = acting(wallet, signing) if wallet.address or signing.sender else ""
    return Plan(
        title="Cut the epoch",
        account=account,
        steps=[Step("cut the epoch", view(CONTRACT, wallet.vault, "closeEpoch"))],
        terms={"state": STATES[state], "next_cut_at": earliest},
        panel=[("vault", STATES[state]), ("cut possible", in_time(earliest, block.timestamp))],
    )


async def operator_plan(
    wallet: "Wallet", signing: "Signing", operator: str, *, approved: bool
) -> Plan:
    """Plan naming, or dismissing, an operator of the acting account."""
    from keeper.chain.calls import view

    account = acting(wallet, signing)
    what = "name" if approved else "dismiss"
    call = view(CONTRACT, wallet.vault, "setOperator", operator, approved)
    may = "may request, cancel and claim for this account, and choose who is paid"
    return Plan(
        title=f"{what.capitalize()} operator {operator}",
        account=account,
        steps=[Step(f"{what} operator {operator}", call)],
        terms={"operator": operator, "approved": approved},
        panel=[("operator", f"{operator} {may if approved else 'may no longer act'}")],
    )
