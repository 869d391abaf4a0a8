"""The page's parts that come from the vault's chain: money, epochs, returns, risk facts, keys."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from keeper.accounting.returns import DAY, SettledPrice, drawdown, window_return
from keeper.domain.history import Epoch, Movement, VaultHistory
from keeper.domain.units import PPM
from keeper.pages.axes import duration_text
from keeper.pages.clock_text import clock_text
from keeper.pages.numbers import percent_text, trimmed_text
from keeper.pages.report_data import Event, Fact, Holder, NavPart, PnlCause, Return, Settlement
from keeper.pages.series import scaled

__all__ = ["Leg", "VaultNow", "VaultParts", "vault_parts"]

_USDC: Final = 6
_PRICE: Final = 12
_BPS: Final = 10_000
_CAUSES: Final = (
    ("spread", "side x (oracle at the fill's block - price) x size"),
    ("inventory", "position x change of the oracle, and rounding"),
    ("funding", "settled from funding indexes"),
    ("fees and rebates", "venue fees, gas of collateral moves"),
    ("incentives", "rewards of the venue"),
)
_WINDOWS: Final = (("since inception", None), ("of 7 days", 7 * DAY), ("of 30 days", 30 * DAY))


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter; `value` in asset units is None while its price is dead."""

    adapter: str
    attested: bool
    value: int | None


class VaultNow(msgspec.Struct, frozen=True, kw_only=True):
    """The vault at one block; assets in asset units, shares in share units.

    `mark_e36` is the high-water mark in 1e-36 asset units per share unit.
    `attested` is what the order-book legs are worth by the last report and the transfers since.
    """

    vault: str
    chain_id: int
    block: int
    time_s: int
    state: str
    asset_decimals: int
    share_decimals: int
    share_symbol: str
    virtual_shares: int
    idle: int
    accepted_nav: int
    supply: int
    attested: int
    deposits_waiting: int
    redemptions_waiting: int
    deposit_cap: int
    venue_cap_bps: int
    min_on_chain_bps: int
    fee_bps: int
    mark_e36: int
    legs: tuple[Leg, ...]
    owner: str
    keeper: str
    guardian: str
    reporters: tuple[str, ...]
    quorum: int


class VaultParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the chain alone tells, as the page shows it."""

    nav_parts: tuple[NavPart, ...]
    price_usdc_e12: int
    settlements: tuple[Settlement, ...]
    events: tuple[Event, ...]
    pnl: tuple[PnlCause, ...]
    returns: tuple[Return, ...]
    facts: tuple[Fact, ...]
    holders: tuple[Holder, ...]


def vault_parts(
    now: VaultNow, history: VaultHistory, names: Mapping[str, str], treasurer: str
) -> VaultParts:
    """Put the vault's state and history into words and rows.

    `names` are people by address in lower case; `treasurer` is the venue account's owner, empty
    when it is not known.
    """
    settled = [epoch for epoch in history.epochs if epoch.settled is not None]
    prices = [_settled_price(epoch) for epoch in settled]
    return VaultParts(
        nav_parts=_nav_parts(now, settled[-1]) if settled else _unsettled_parts(now),
        price_usdc_e12=_price(now, now.accepted_nav, now.supply),
        settlements=tuple(_settlement(now, epoch) for epoch in settled),
        events=tuple(_event(now, movement, names) for movement in history.movements),
        pnl=_pnl(now, settled),
        returns=_returns(now, prices),
        facts=_facts(now, history.epochs, prices),
        holders=_holders(now, treasurer),
    )


def _e6(now: VaultNow, assets: int) -> int:
    return scaled(assets, _USDC - now.asset_decimals)


def _price(now: VaultNow, nav: int, supply: int) -> int:
    """Price of a whole share in 1e-12 of the asset, down: (nav + 1) / (supply + virtual)."""
    per_share = (nav + 1) * 10 ** (now.share_decimals + _PRICE)
    price: int = per_share // ((supply + now.virtual_shares) * 10**now.asset_decimals)
    return price


def _nav_parts(now: VaultNow, epoch: Epoch) -> tuple[NavPart, ...]:
    """Where the accepted value was right after a settlement; the parts sum to it."""
    cut, settled, posted = epoch.cut, epoch.settled, epoch.posted
    if settled is None:
        raise ValueError("an epoch that is not settled has no accepted value")
    equity = posted.equity if posted is not None else 0
    under_way = settled.gross - cut.idle - cut.leg_bid - equity
    idle = cut.idle + settled.deposit_assets - settled.redeem_assets
    if idle < 0:  # leavers were paid with what came home between cut and settlement
        landed = min(max(under_way, 0), -idle)
        idle, under_way, equity = 0, under_way - landed, equity + idle + landed
    pools = [leg.value for leg in now.legs if not leg.attested]
    pool_now = None if None in pools else sum(value or 0 for value in pools)
    rows = [
        ("idle", "the vault contract", idle, now.idle),
        ("Uniswap ranges and tokens", "the pool adapter contract", cut.leg_bid, pool_now),
        ("collateral on the order book", "the venue account's owner key", equity, now.attested),
        ("between vault and order book", "the bridge", under_way, None),
        ("gain not yet accepted", "counted later, by the gain gate", _held_back(epoch), None),
    ]
    return tuple(
        NavPart(
            name=name,
            custody=custody,
            assets_usdc_e6=_e6(now, assets),
            now_usdc_e6=None if current is None else _e6(now, current),
        )
        for name, custody, assets, current in rows
        if assets or current
    )


def _held_back(epoch: Epoch) -> int:
    settled = epoch.settled
    return 0 if settled is None else settled.accepted - settled.gross


def _unsettled_parts(now: VaultNow) -> tuple[NavPart, ...]:
    idle = _e6(now, now.idle)
    custody = "the vault contract"
    return (NavPart(name="idle", custody=custody, assets_usdc_e6=idle, now_usdc_e6=idle),)


def _settlement(now: VaultNow, epoch: Epoch) -> Settlement:
    settled, posted = epoch.settled, epoch.posted
    if settled is None:
        raise ValueError("an epoch that is not settled is no settlement")
    return Settlement(
        epoch=epoch.number,
        cut_at_s=epoch.cut.time_s,
        settled_at_s=settled.time_s,
        gross_usdc_e6=_e6(now, settled.gross),
        accepted_usdc_e6=_e6(now, settled.accepted),
        deposits_usdc_e6=_e6(now, settled.deposit_assets),
        deposit_shares=settled.deposit_shares,
        redeemed_shares=settled.redeem_shares,
        paid_usdc_e6=_e6(now, settled.redeem_assets),
        price_usdc_e12=_price(now, settled.accepted_after, settled.supply_after),
        pnl_usdc_e6=tuple(_e6(now, part) for part in posted.pnl) if posted else (),
        digest=posted.digest if posted else "",
        data_root=posted.data_root if posted else "",
    )


def _settled_price(epoch: Epoch) -> SettledPrice:
    settled = epoch.settled
    if settled is None:
        raise ValueError("an epoch that is not settled has no price")
    return SettledPrice(
        time=epoch.cut.time_s,
        nav_before=settled.priced_nav,
        supply_before=settled.supply_before,
        nav_after=settled.accepted_after,
        supply_after=settled.supply_after,
        whole_exit=settled.whole_exit,
    )


def _event(now: VaultNow, movement: Movement, names: Mapping[str, str]) -> Event:
    parts = []
    if movement.assets is not None:
        parts.append(f"{trimmed_text(movement.assets, now.asset_decimals, least=2)} USDC")
    if movement.shares is not None:
        shares = trimmed_text(movement.shares, now.share_decimals, least=2)
        parts.append(f"{shares} {now.share_symbol}")
    name = names.get(movement.account.lower(), "")
    return Event(
        at_s=movement.time_s,
        who=f"{name} {movement.account}".strip(),
        what=movement.kind,
        amount=" for ".join(parts),
        reference=movement.tx_hash,
    )


def _pnl(now: VaultNow, settled: Sequence[Epoch]) -> tuple[PnlCause, ...]:
    posted = [epoch.posted for epoch in settled if epoch.posted is not None]
    if not posted:
        return ()
    return tuple(
        PnlCause(
            cause=cause,
            amount_usdc_e6=sum(_e6(now, report.pnl[number]) for report in posted),
            explanation=explanation,
        )
        for number, (cause, explanation) in enumerate(_CAUSES)
    )


def _returns(now: VaultNow, prices: Sequence[SettledPrice]) -> tuple[Return, ...]:
    """Return each window that the history covers."""
    found = []
    for window, seconds in _WINDOWS:
        measured = window_return(prices, now.virtual_shares, seconds)
        if measured is not None:
            found.append(
                Return(
                    window=window,
                    from_s=measured.from_time,
                    to_s=measured.to_time,
                    change_ppm=measured.ppm,
                )
            )
    return tuple(found)


def _facts(
    now: VaultNow, epochs: Sequence[Epoch], prices: Sequence[SettledPrice]
) -> tuple[Fact, ...]:
    nav, on_chain = now.accepted_nav, now.accepted_nav - now.attested
    facts = [
        Fact(
            name="Share on the order book",
            value=percent_text(now.attested, nav),
            limit=f"at most {percent_text(now.venue_cap_bps, _BPS)}",
            used_ppm=_used(now.attested * _BPS, nav * now.venue_cap_bps),
            note="of accepted NAV, by the last report and later transfers; off the vault's chain",
        ),
        Fact(
            name="Share on the vault's chain",
            value=percent_text(on_chain, nav),
            limit=f"at least {percent_text(now.min_on_chain_bps, _BPS)}",
        ),
        Fact(
            name="Deposit cap",
            value=f"{trimmed_text(nav + now.deposits_waiting, now.asset_decimals, least=2)} USDC",
            limit=f"{trimmed_text(now.deposit_cap, now.asset_decimals, least=2)} USDC",
            used_ppm=_used(nav + now.deposits_waiting, now.deposit_cap),
            note="accepted NAV and deposits waiting",
        ),
        Fact(
            name="Redemptions waiting",
            value=f"{trimmed_text(now.redemptions_waiting, now.share_decimals, least=2)} "
            f"{now.share_symbol}",
        ),
        _fee(now, epochs),
        _last_report(now, epochs),
    ]
    fall = drawdown(prices, now.virtual_shares)
    if fall is not None:
        facts.append(
            Fact(
                name="Deepest fall of a share",
                value=percent_text(fall.ppm, PPM),
                note=f"in {fall.settlements} settlements over "
                f"{duration_text(fall.span_seconds * 1_000)}; a short sample says little",
            )
        )
    return tuple(facts)


def _used(part: int, limit: int) -> int | None:
    return part * PPM // limit if limit > 0 else None


def _fee(now: VaultNow, epochs: Sequence[Epoch]) -> Fact:
    """Rate, mark (up) and what was minted as fees since the first epoch shown."""
    scale = 10 ** (36 + now.asset_decimals - now.share_decimals - _PRICE)
    mark = trimmed_text(-(-now.mark_e36 // scale), _PRICE, least=2)
    taken = sum(epoch.settled.fee_shares for epoch in epochs if epoch.settled is not None)
    shares = trimmed_text(taken, now.share_decimals, least=2)
    return Fact(
        name="Performance fee",
        value=f"{percent_text(now.fee_bps, _BPS)} of what a share gains above {mark} USDC",
        note=f"the high-water mark; none below it; {shares} {now.share_symbol} taken so far",
    )


def _last_report(now: VaultNow, epochs: Sequence[Epoch]) -> Fact:
    times = [epoch.cut.time_s for epoch in epochs if epoch.settled is not None]
    if not times:
        return Fact(name="Last report", value="none yet")
    age = duration_text(max(0, now.time_s - times[-1]) * 1_000)
    return Fact(
        name="Last report",
        value=f"{age} ago",
        note=f"values of {clock_text(times[-1])}, signed by {now.quorum} of {len(now.reporters)}",
    )


def _holders(now: VaultNow, treasurer: str) -> tuple[Holder, ...]:
    rows = [
        ("keeper", now.keeper, "allocate within caps, move ranges, swap in guards", _NO_MONEY),
        ("treasurer", treasurer, "move collateral home on filed requests", "touch vault or pool"),
        *(
            (f"reporter {number}", address, "sign what it recomputed", _NOT_ALONE)
            for number, address in enumerate(now.reporters, start=1)
        ),
        ("owner", now.owner, "announce keepers, reporters, limits", "move assets"),
        ("guardian", now.guardian, "pause, tighten, leave ranges", "move assets"),
    ]
    return tuple(
        Holder(role=role, address=address, can=can, cannot=cannot)
        for role, address, can, cannot in rows
        if address
    )


_NO_MONEY: Final = "withdraw, approve"
_NOT_ALONE: Final = "get a value accepted alone"
