"""How a project ends its market: announce, wait for the notice, take the unsold back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.acting import Plan, Step, acting
from keeper.cli.bond.figures import price_text, tokens_text
from keeper.cli.bond.reach import reader_of
from keeper.cli.failures import NothingClaimable
from keeper.pages.times import clock_time, in_time

if TYPE_CHECKING:
    from keeper.chain.bonds import Change, MarketView, Parts
    from keeper.chain.calls import Block
    from keeper.cli.access import Signing
    from keeper.wallet import Wallet

__all__ = ["NOTICE_SECONDS", "close_plan"]

TELLER: Final = "BondTeller"
NOTICE_SECONDS: Final = 3 * 86_400
"""Of contracts/libraries/BondConstants.sol: buyers may rely on a market so long."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A market that its project wants to end, at one block."""

    market: "MarketView"
    change: "Change"
    parts: "Parts"
    block: "Block"
    receiver: str

    @property
    def due(self) -> bool:
        """Whether an announced end may be made now."""
        effective = self.change.effective_at
        return self.ends and effective <= self.block.timestamp

    @property
    def ends(self) -> bool:
        """Whether the end was announced: no capacity from then on."""
        return self.change.effective_at != 0 and self.change.capacity == 0


async def close_plan(
    wallet: "Wallet", signing: "Signing", market_id: int, receiver: str | None, *, undo: bool
) -> Plan:
    """Plan the next step of an end: announce, then make it and fetch, or fetch after the sale.

    `undo` takes the announcement back. Raises BondUnknown, TransactionRefused, NothingClaimable.
    """
    account = acting(wallet, signing)
    reader, block = reader_of(wallet), await wallet.head()
    market = await reader.market(market_id, block)
    change = await reader.change(market, block)
    project = await reader.project(market.terms.project, block)
    _require_owner(project.owner, account)
    closing = Closing(market, change, await reader.parts(block), block, receiver or account)
    about = {"lens": wallet.vault, "teller": closing.parts.teller}
    if undo:
        return _undo(closing, account, about)
    steps = _steps(closing)
    terms = _terms(closing, steps)
    return Plan(
        title=f"End market {market_id}",
        account=account,
        steps=steps,
        terms=terms,
        panel=_panel(closing, terms),
        about=about,
    )


def _require_owner(owner: str, account: str) -> None:
    from keeper.wallet import refusal

    if owner != account:
        raise refusal("NotProjectOwner", f"the project is {owner}'s, not {account}'s")


def _undo(closing: Closing, account: str, about: dict[str, str]) -> Plan:
    number = closing.market.market_id
    return Plan(
        title=f"Keep market {number} as it is",
        account=account,
        steps=[_step(closing, "take the announcement back", "withdrawChange")],
        terms={"market": number, "next": f"keeper bond show {number}"},
        panel=[("market", f"{number} goes on until {clock_time(closing.market.terms.conclusion)}")],
        about=about,
    )


def _steps(closing: Closing) -> list[Step]:
    market = closing.market
    fetch = _step(closing, "fetch what is no longer for sale", "reclaim", closing.receiver)
    if not market.live:
        _require_unsold(market)
        return [fetch]
    if closing.due:
        return [_step(closing, "end the sale", "applyChange"), fetch]
    if closing.ends:
        _refuse_early(closing)
    announce = _step(
        closing,
        f"announce the end, in force {clock_time(_effective(closing))}",
        "announceChange",
        *(market.floor, 0),
    )
    return [fetch, announce] if market.freed else [announce]


def _step(closing: Closing, what: str, name: str, *arguments: Any) -> Step:
    from keeper.chain.calls import view

    number = closing.market.market_id
    return Step(what, view(TELLER, closing.parts.teller, name, number, *arguments))


def _require_unsold(market: "MarketView") -> None:
    if market.capacity + market.freed == 0:
        raise NothingClaimable(
            f"market {market.market_id} has nothing left to give back",
            next_step=f"see it: keeper bond show {market.market_id}",
        )


def _refuse_early(closing: Closing) -> None:
    from keeper.wallet import refusal

    when = in_time(closing.change.effective_at, closing.block.timestamp)
    raise refusal("ChangeTooEarly", f"the end was announced and may be made {when}")


def _effective(closing: Closing) -> int:
    """When an end announced now may be made, at the earliest [unix seconds]."""
    return closing.block.timestamp + NOTICE_SECONDS


def _terms(closing: Closing, steps: list[Step]) -> dict[str, Any]:
    market = closing.market
    fetches = any(step.call.function.name == "reclaim" for step in steps)
    ends = not market.live or any(step.call.function.name == "applyChange" for step in steps)
    now = market.freed + (market.capacity if ends else 0)
    return {
        "market": market.market_id,
        "live": market.live,
        "returned_now": now if fetches else 0,
        "returned_later": 0 if ends else market.capacity,
        "effective_at": None if ends else _effective(closing),
        "receiver": closing.receiver,
        "token_symbol": market.terms.symbol,
        "token_decimals": market.terms.token_decimals,
        "next": f"keeper bond show {market.market_id}",
    }


def _panel(closing: Closing, terms: dict[str, Any]) -> list[tuple[str, str]]:
    market = closing.market
    rows = [
        ("comes back now", tokens_text(terms["returned_now"], market.terms)),
        ("paid to", closing.receiver),
    ]
    if terms["effective_at"] is not None:
        later = tokens_text(terms["returned_later"], market.terms)
        rows += [
            ("for sale until then", f"{later}, at no less than {price_text(market.floor)}"),
            ("then", f"again: keeper bond close {market.market_id}"),
        ]
    rows.append(("sold before", "stays with its buyers, and what they paid in the treasury"))
    return rows
