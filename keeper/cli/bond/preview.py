"""What a bond market would be, as it is shown before anything is escrowed."""

from typing import TYPE_CHECKING, Any, Final

from keeper.cli.amounts import shown
from keeper.cli.bond.figures import chart, discount_text, part_text, price_text
from keeper.cli.failures import ArgumentInvalid
from keeper.pages.times import clock_time, lasting

if TYPE_CHECKING:
    from keeper.cli.bond.draft import Draft
    from keeper.markets.bonds import DutchAuction, Point

__all__ = ["creation_panel", "creation_terms", "last_expiry", "tokens_of"]

POINTS: Final = 57
WARNING: Final = (
    "a token that its issuer can pause or upgrade looks like any other: the bonds never pause, "
    "the token may"
)


def last_expiry(draft: "Draft") -> int:
    """When the last note that could be bought has vested [unix seconds]."""
    from keeper.markets.vesting import expiry_up

    return expiry_up(draft.lot.conclusion, draft.vesting)


def creation_terms(draft: "Draft", deadline: int) -> dict[str, Any]:
    """Everything about the market to be, as JSON: units, 1e-36 prices, unix seconds."""
    found, lot, token = draft.found, draft.lot, draft.token
    return {
        "project": found.treasury or None,
        "token": token.address,
        "token_symbol": token.symbol,
        "token_decimals": token.decimals,
        "token_supply": token.supply,
        "vault": found.vault,
        "asset": found.asset,
        "asset_symbol": draft.asset_symbol,
        "asset_decimals": draft.asset_decimals,
        "pool": found.pool.pool,
        "locked_until": found.pol_unlock,
        "auction": draft.kind,
        "capacity": lot.capacity,
        "duration_seconds": lot.duration,
        "cliff_seconds": draft.cliff,
        "vesting_seconds": draft.vesting,
        "last_expiry": last_expiry(draft),
        "accepts_shares": draft.accepts_shares,
        "reference": _reference_data(draft),
        **_price_data(draft),
        "worst_sale": _worst(draft),
        "deadline": deadline,
        "next": "keeper bond list",
    }


def _reference_data(draft: "Draft") -> dict[str, Any] | None:
    if draft.reference is None:
        return None
    return {
        "feed": draft.found.pool.feed,
        "price_e36": draft.reference.price,
        "updated_at": draft.reference.updated_at,
        "age_seconds": max(0, draft.block.timestamp - draft.reference.updated_at),
    }


def _price_data(draft: "Draft") -> dict[str, Any]:
    from keeper.markets.bonds import discount_bps

    first, reference = _first_price(draft), draft.reference
    return {
        "first_price_e36": first,
        "floor_e36": _floor(draft),
        "min_floor_e36": draft.min_floor,
        "discount_bps": discount_bps(first, reference.price) if first and reference else None,
        "dutch": None if draft.dutch is None else _dutch_data(draft),
    }


def _first_price(draft: "Draft") -> int | None:
    """Price that the market would open at now; None where its oracle is silent."""
    from keeper.markets.bonds import discounted_up

    if draft.dutch is not None:
        return draft.dutch.price
    if draft.oracle is None or draft.reference is None:
        return None
    return discounted_up(draft.reference.price, draft.oracle.discount_bps, _floor(draft))


def _dutch_data(draft: "Draft") -> dict[str, Any]:
    from keeper.markets.bonds import demand_path, floor_reached_at, quiet_path

    auction, lot = _begun(draft), draft.lot
    interval = _interval(draft)
    return {
        "target": auction.target,
        "max_payout": auction.max_payout,
        "max_debt": auction.max_debt_to,
        "decay_interval_seconds": auction.decay_interval,
        "floor_reached_at": floor_reached_at(auction, lot, lot.opened_at),
        "path": [[p.time, p.price] for p in quiet_path(auction, lot, lot.opened_at, POINTS)],
        "on_schedule": _outcome(demand_path(auction, lot, interval)),
        "eager": _eager(draft, auction),
    }


def _begun(draft: "Draft") -> "DutchAuction":
    from keeper.markets.bonds import begin

    if draft.dutch is None:
        raise ArgumentInvalid("this market has no Dutch auction")
    try:
        return begin(draft.dutch, draft.lot)
    except ZeroDivisionError as error:
        raise ArgumentInvalid(
            "the capacity is too small for its duration", next_step="offer more, or for less long"
        ) from error


def _interval(draft: "Draft") -> int:
    return draft.dutch.deposit_interval if draft.dutch is not None else 0


def _eager(draft: "Draft", auction: "DutchAuction") -> dict[str, Any] | None:
    """Demand for twice the schedule, at no more than the market's price; None without one."""
    from keeper.markets.bonds import demand_path

    if draft.reference is None:
        return None
    step = max(1, _interval(draft) // 2)
    return _outcome(demand_path(auction, draft.lot, step, draft.reference.price))


def _outcome(path: "list[Point]") -> dict[str, Any] | None:
    """What a demand comes to; `ends_at` is the last purchase. None where nobody buys."""
    if not path:
        return None
    return {
        "sold": path[-1].sold,
        "proceeds": path[-1].paid,
        "highest_price_e36": max(point.price for point in path),
        "ends_at": path[-1].time,
    }


def _worst(draft: "Draft") -> dict[str, Any]:
    """Everything at the floor: what comes in, and what that gives away."""
    from keeper.markets.maker_costs import bond_cost

    floor = _floor(draft)
    if draft.reference is None:
        return {"proceeds": draft.lot.capacity * floor // draft.lot.scale, "cost": None}
    found = bond_cost(draft.lot.capacity, floor, draft.reference.price, draft.lot.scale)
    return {"proceeds": found.liquidity, "cost": found.cost}


def _floor(draft: "Draft") -> int:
    """The floor if the market opened now."""
    from keeper.markets.bonds import discounted_up

    if draft.oracle is None or draft.reference is None:
        return draft.min_floor
    return discounted_up(draft.reference.price, draft.oracle.max_discount_bps, 0)


def creation_panel(draft: "Draft", terms: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for a person."""
    found, lot = draft.found, draft.lot
    rows = [
        ("project", found.treasury or f"new, of {found.token}, in the vault {found.vault}"),
        ("locked until", clock_time(found.pol_unlock)),
        (
            "escrow",
            f"{tokens_of(draft, lot.capacity)}, "
            f"{part_text(lot.capacity, draft.token.supply)} of the supply",
        ),
        ("sale", f"{lasting(lot.duration)} from the transaction, {draft.kind} auction"),
        ("market's price", _reference_text(draft)),
        ("first price", _first_text(draft, terms)),
        ("floor", f"{price_text(terms['floor_e36'])} {draft.asset_symbol}, it only rises"),
    ]
    if draft.dutch is not None:
        rows += _dutch_rows(draft, terms["dutch"])
    worst = terms["worst_sale"]
    cost = "" if worst["cost"] is None else f", {_money(draft, worst['cost'])} below the market"
    rows += [
        ("worst sale", f"all of it at the floor: {_money(draft, worst['proceeds'])}{cost}"),
        ("vesting", _vesting_text(draft, terms)),
        ("shares", "taken too" if draft.accepts_shares else "not taken"),
        ("unsold", "comes back after the sale, or 3 days after: keeper bond close"),
        ("for ever", "nothing of a live market changes but the floor up and the capacity down"),
        ("warning", WARNING),
        ("sign until", clock_time(terms["deadline"])),
    ]
    return rows


def _dutch_rows(draft: "Draft", data: dict[str, Any]) -> list[tuple[str, str]]:
    from keeper.markets.bonds import quiet_path

    reached = data["floor_reached_at"]
    lot = draft.lot
    path = quiet_path(_begun(draft), lot, lot.opened_at, POINTS)
    market = 0 if draft.reference is None else draft.reference.price
    drawing = chart(path, reference=market, floor=lot.floor)
    floor = "not before the end" if reached is None else f"after {lasting(reached - lot.opened_at)}"
    eager = _outcome_text(draft, data["eager"])
    return [
        ("target", f"{tokens_of(draft, data['target'])} of debt"),
        ("largest purchase", tokens_of(draft, data["max_payout"])),
        ("pauses itself", f"at {tokens_of(draft, data['max_debt'])} of debt"),
        ("without purchases", f"the floor is reached {floor}"),
        *(("" if number else "price path", line) for number, line in enumerate(drawing)),
        ("bought on schedule", _outcome_text(draft, data["on_schedule"])),
        ("bought when cheap", f"twice as fast, never above the market: {eager}"),
    ]


def _outcome_text(draft: "Draft", outcome: dict[str, Any] | None) -> str:
    if outcome is None:
        return "nothing is sold"
    took = lasting(outcome["ends_at"] - draft.lot.opened_at)
    return (
        f"{tokens_of(draft, outcome['sold'])} for {_money(draft, outcome['proceeds'])} in {took}, "
        f"at most {price_text(outcome['highest_price_e36'])}"
    )


def _reference_text(draft: "Draft") -> str:
    if draft.reference is None:
        return "the pool's feed has no price"
    age = max(0, draft.block.timestamp - draft.reference.updated_at)
    price = price_text(draft.reference.price)
    return f"{price} {draft.asset_symbol}, the pool's feed {lasting(age)} ago"


def _first_text(draft: "Draft", terms: dict[str, Any]) -> str:
    first, discount = terms["first_price_e36"], terms["discount_bps"]
    if first is None:
        return "known at the creation"
    text = f"{price_text(first)} {draft.asset_symbol}"
    return text if discount is None else f"{text}, {discount_text(discount)}"


def _vesting_text(draft: "Draft", terms: dict[str, Any]) -> str:
    cliff = f"nothing for {lasting(draft.cliff)}, " if draft.cliff else ""
    return (
        f"{cliff}linear over {lasting(draft.vesting)} to the next midnight; "
        f"the last note by {clock_time(terms['last_expiry'])}"
    )


def tokens_of(draft: "Draft", amount: int) -> str:
    """Write an amount of the token that a draft offers."""
    return shown(amount, draft.token.decimals, draft.token.symbol)


def _money(draft: "Draft", amount: int) -> str:
    return shown(amount, draft.asset_decimals, draft.asset_symbol)
