"""Which transactions buy, claim, end and poke bonds take, and what each would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.acting import Plan, Step, acting, acting_if_any, possible
from keeper.cli.amounts import parse_amount, shown
from keeper.cli.bond.create import deadline_of
from keeper.cli.bond.figures import discount_text, price_text, tokens_text
from keeper.cli.bond.reach import reader_of
from keeper.cli.failures import NothingClaimable
from keeper.pages.times import clock_time, in_time

if TYPE_CHECKING:
    from keeper.chain.bonds import MarketView, NoteView
    from keeper.chain.calls import Block
    from keeper.cli.access import Signing
    from keeper.wallet import Wallet

__all__ = ["Order", "buy_plan", "claim_plan", "poke_plan", "quote_order"]

ERC20: Final = "MarketMakingVault"
"""Its ABI has the functions of an ERC-20, and the share is one."""
TELLER: Final = "BondTeller"
BPS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a buyer asks for: at most `amount` of asset or shares, the least it takes for it."""

    market_id: int
    amount: str
    with_shares: bool
    slippage_bps: int
    receiver: str | None = None
    deadline_seconds: int | None = None
    may_approve: bool = False


@dataclass(frozen=True, slots=True)
class Quoted:
    """An order priced at one block; `paid` in units of `symbol`, `cost` in asset units."""

    market: "MarketView"
    block: "Block"
    asset_symbol: str
    pay_token: str
    symbol: str
    decimals: int
    asked: int
    payout: int
    paid: int
    least: int


async def quote_order(wallet: "Wallet", order: Order) -> Quoted:
    """Price an order at the newest block.

    Raises ArgumentInvalid, BondUnknown, TransactionRefused.
    """
    from keeper.chain.calls import CallReverted, view
    from keeper.wallet import refusal

    reader = reader_of(wallet)
    block = await wallet.head()
    market = await reader.market(order.market_id, block)
    parts = await reader.parts(block)
    terms = market.terms
    token = terms.vault if order.with_shares else terms.asset
    symbol, decimals, asset_symbol = await wallet.read(
        [
            view(ERC20, token, "symbol"),
            view(ERC20, token, "decimals"),
            view(ERC20, terms.asset, "symbol"),
        ],
        block,
    )
    asked = parse_amount(order.amount, decimals, symbol)
    name = "quoteShares" if order.with_shares else "quote"
    call = view(TELLER, parts.teller, name, order.market_id, asked)
    try:
        ((payout, paid),) = await wallet.read([call], block)
    except CallReverted as error:
        raise refusal(error.error, error.detail) from error
    least = payout * (BPS - order.slippage_bps) // BPS
    return Quoted(
        *(market, block, asset_symbol, token, symbol, decimals),
        *(asked, payout, paid, max(1, least)),
    )


def quote_terms(quoted: Quoted) -> dict[str, Any]:
    """A quote as JSON: units, 1e-36 prices, unix seconds."""
    from keeper.markets.vesting import expiry_up

    market, terms, now = quoted.market, quoted.market.terms, quoted.block.timestamp
    return {
        "market": market.market_id,
        "live": market.live,
        "token_symbol": terms.symbol,
        "token_decimals": terms.token_decimals,
        "pay_with": quoted.pay_token,
        "pay_symbol": quoted.symbol,
        "pay_decimals": quoted.decimals,
        "asked": quoted.asked,
        "pays": quoted.paid,
        "payout": quoted.payout,
        "least_payout": quoted.least if quoted.payout else 0,
        "limited": quoted.payout == market.available and quoted.payout > 0,
        "price_e36": market.price if market.priced else None,
        "reference_e36": market.reference or None,
        "discount_bps": market.discount_bps if market.reference and market.priced else None,
        "cliff_at": now + terms.cliff,
        "expiry": expiry_up(now, terms.vesting),
        "concludes_at": terms.conclusion,
        "next": "keeper bond claim --all, once it vests",
    }


def quote_panel(quoted: Quoted, terms: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for a person."""
    market = quoted.market
    now = quoted.block.timestamp
    limited = ", all that is available now" if terms["limited"] else ""
    rows = [
        ("market", f"{market.market_id}: {market.terms.symbol}, {market.kind} auction"),
        ("pay", shown(quoted.paid, quoted.decimals, quoted.symbol)),
        ("get", f"{tokens_text(quoted.payout, market.terms)}{limited}"),
        ("price", _price_line(market, quoted.asset_symbol)),
        ("nothing before", in_time(terms["cliff_at"], now)),
        ("all vested", in_time(terms["expiry"], now)),
        ("at the least", f"{tokens_text(terms['least_payout'], market.terms)}, or nothing is done"),
        ("a note", "is an ERC-721: it can be sold on, with what is not redeemed of it"),
        ("worst", "the token falls by more than the discount while it vests"),
    ]
    if not market.live:
        rows.append(("over", f"since {clock_time(market.terms.conclusion)}"))
    return rows


def _price_line(market: "MarketView", symbol: str) -> str:
    if not market.priced:
        return "none: the oracle is silent"
    text = f"{price_text(market.price)} {symbol}"
    return f"{text}, {discount_text(market.discount_bps)}" if market.reference else text


async def buy_plan(wallet: "Wallet", signing: "Signing", order: Order, *, preview: bool) -> Plan:
    """Plan a purchase, and the approval of exactly what it pays.

    Raises ArgumentInvalid, BondUnknown; FundsMissing and TransactionRefused but in a preview.
    """
    account = acting_if_any(wallet, signing, preview=preview)
    quoted = await quote_order(wallet, order)
    deadline = deadline_of(signing, quoted.block.timestamp, order.deadline_seconds)
    terms = {**quote_terms(quoted), "deadline": deadline}
    parts = await reader_of(wallet).parts(quoted.block)

    async def steps() -> list[Step]:
        return await _buy_steps(wallet, order, quoted, (account, parts.teller, deadline))

    obstacles, found = await possible(steps, preview)
    return Plan(
        title=f"Buy {tokens_text(quoted.payout, quoted.market.terms)}",
        account=account,
        steps=found,
        terms=terms,
        panel=quote_panel(quoted, terms),
        probe=_payment(quoted),
        obstacles=obstacles,
        about={"lens": wallet.vault, "teller": parts.teller},
    )


def _payment(quoted: Quoted) -> Any:
    """Fails as the purchase would, for a balance or a pause, without an allowance."""
    from keeper.chain.calls import view

    return view(ERC20, quoted.pay_token, "transfer", quoted.market.terms.project, quoted.paid)


async def _buy_steps(
    wallet: "Wallet", order: Order, quoted: Quoted, who: tuple[str, str, int]
) -> list[Step]:
    from keeper.chain.calls import view
    from keeper.wallet import refusal

    account, teller, deadline = who
    if quoted.payout == 0:
        raise refusal("NothingSold", f"market {order.market_id} sells nothing for that now")
    owner = account or quoted.market.terms.project
    receiver = order.receiver or owner
    name = "purchaseWithShares" if order.with_shares else "purchase"
    # No more than the quote is pulled, so that an approval of it is used up.
    purchase = view(
        TELLER, teller, name, order.market_id, quoted.paid, quoted.least, receiver, deadline
    )
    step = Step(f"buy {tokens_text(quoted.payout, quoted.market.terms)}", purchase)
    if not account:
        return [step]
    held, allowed = await wallet.read(
        [
            view(ERC20, quoted.pay_token, "balanceOf", account),
            view(ERC20, quoted.pay_token, "allowance", account, teller),
        ],
        quoted.block,
    )
    _require_payment(order, quoted, account, held, allowed)
    if allowed >= quoted.paid:
        return [step]
    approval = view(ERC20, quoted.pay_token, "approve", teller, quoted.paid)
    return [Step(f"approve {shown(quoted.paid, quoted.decimals, quoted.symbol)}", approval), step]


def _require_payment(order: Order, quoted: Quoted, account: str, held: int, allowed: int) -> None:
    from keeper.wallet import FundsMissing

    def amount(units: int) -> str:
        return shown(units, quoted.decimals, quoted.symbol)

    if held < quoted.paid:
        raise FundsMissing(
            f"{account} has {amount(held)}, the purchase takes {amount(quoted.paid)}",
            next_step="buy for at most what it has",
        )
    if allowed < quoted.paid and not order.may_approve:
        raise FundsMissing(
            f"the teller may take {amount(allowed)} of {account}, "
            f"the purchase takes {amount(quoted.paid)}",
            next_step="send the approval of exactly this amount first: add --approve",
        )


async def claim_plan(
    wallet: "Wallet", signing: "Signing", numbers: Sequence[int], receiver: str | None
) -> Plan:
    """Plan the redemption of notes: those numbered, or with none all that the account holds.

    Raises NothingClaimable, BondUnknown, ArgumentInvalid.
    """
    from keeper.chain.calls import view

    account = acting(wallet, signing)
    reader, block = reader_of(wallet), await wallet.head()
    parts = await reader.parts(block)
    if numbers:
        notes = await reader.notes(numbers, block)
    else:
        notes = await reader.notes_of(account, parts.note, block)
    ripe = [note for note in notes if note.redeemable]
    if not ripe:
        raise NothingClaimable(
            f"nothing more is vested of {_named(notes, account)}",
            next_step=f"see when it is: keeper bond notes {account}",
        )
    markets = {note.market_id: await reader.market(note.market_id, block) for note in ripe}
    to = receiver or account

    def amount(note: "NoteView") -> str:
        return tokens_text(note.redeemable, markets[note.market_id].terms)

    return Plan(
        title="Redeem what is vested",
        account=account,
        steps=[
            Step(
                f"redeem {amount(note)} of note {note.note_id}",
                view(TELLER, parts.teller, "redeem", note.note_id, to),
            )
            for note in ripe
        ],
        terms={
            "receiver": to,
            "notes": [_note_terms(note, markets[note.market_id]) for note in ripe],
            "next": f"keeper bond notes {account}",
        },
        panel=[*((f"note {note.note_id}", amount(note)) for note in ripe), ("paid to", to)],
        about={"lens": wallet.vault, "teller": parts.teller},
    )


def _named(notes: "Sequence[NoteView]", account: str) -> str:
    return "notes " + ", ".join(str(n.note_id) for n in notes) if notes else f"{account}'s notes"


def _note_terms(note: "NoteView", market: "MarketView") -> dict[str, Any]:
    return {
        "note": note.note_id,
        "market": note.market_id,
        "token": market.terms.token,
        "token_symbol": market.terms.symbol,
        "token_decimals": market.terms.token_decimals,
        "redeemable": note.redeemable,
        "left": note.payout - note.redeemed - note.redeemable,
    }


async def poke_plan(wallet: "Wallet", signing: "Signing", market_id: int) -> Plan:
    """Plan the poke of a market's project: proceeds move on as far as its vault allows."""
    from keeper.chain.calls import view

    reader, block = reader_of(wallet), await wallet.head()
    market = await reader.market(market_id, block)
    project = await reader.project(market.terms.project, block)
    symbol, decimals, share_symbol, share_decimals = await wallet.read(
        [
            view(ERC20, address, name)
            for address in (project.asset, project.vault)
            for name in ("symbol", "decimals")
        ],
        block,
    )
    nobody = not wallet.address and signing.sender is None
    return Plan(
        title="Move the proceeds on",
        account="" if nobody else acting(wallet, signing),
        steps=[Step("poke", view("ProjectTreasury", project.project, "poke"))],
        terms={
            "project": project.project,
            "waiting_assets": project.waiting,
            "queued_assets": project.queued,
            "shares": project.shares,
            "worth": project.worth,
            "next": f"keeper bond show {market_id}",
        },
        panel=[
            ("project", project.project),
            ("waiting", shown(project.waiting, decimals, symbol)),
            ("in the vault's queue", shown(project.queued, decimals, symbol)),
            ("owns", shown(project.shares, share_decimals, share_symbol)),
            ("does", "claims what is settled, hands the rest to the deposit queue"),
        ],
        about={"lens": wallet.vault},
    )
