"""What must hold at every block, and after each fault: exposure, duplicates, books, quotes."""

from typing import Final

from keeper.devnet.exchange.model import SubaccountId
from keeper.execution.orders import exposure_of
from tests.keeper.exchange.wallets import BUY
from tests.soak.ground import ADDRESS, Ground

__all__ = ["after_a_fault", "exposure_breaches"]

TICKER: Final = "ETH-USD"
UNSOLICITED: Final = frozenset({"DELEVERAGED", "OFFSETTING", "LIQUIDATED", "LIQUIDATION"})


def exposure_breaches(here: Ground) -> list[str]:
    """Say where the keeper's worst case is below what the exchange can still do to it.

    Compared at one instant: the most that the position can become on either side. Fills that no
    order of ours gave rise to are the venue's doing; until they are told they are added here.
    """
    state, chain = here.engine.state, here.exchange.chain
    held = state.account.positions.get(TICKER)
    known = 0 if held is None else held.quantums
    untold = _untold(here)
    worst = exposure_of(state.orders, TICKER)
    buys = sells = 0
    for found in here.resting():
        if found.side == BUY:
            buys += here.remaining(found)
        else:
            sells += here.remaining(found)
    position = here.position()
    for match in chain.clob.pending:
        for side in (match.taker, match.maker):
            if side.id.subaccount.owner == ADDRESS:
                position += side.side.sign * match.quantums
    breaches = []
    longest, truly_longest = known + untold + worst.buys, position + buys
    if longest < truly_longest:
        breaches.append(f"height {chain.height}: long {longest} < {truly_longest}")
    shortest, truly_shortest = known + untold - worst.sells, position - sells
    if shortest > truly_shortest:
        breaches.append(f"height {chain.height}: short {shortest} > {truly_shortest}")
    return breaches


def _untold(here: Ground) -> int:
    """Signed quantums of unsolicited fills that the keeper has not heard of yet."""
    told = here.engine.state.account
    rows = here.exchange.indexer.tables.fills.get(SubaccountId(ADDRESS, 0), ())
    return sum(
        row.order.side.sign * row.quantums
        for row in rows
        if row.kind in UNSOLICITED
        and row.height > told.base_height
        and f"fill:{row.id}" not in told.deltas
    )


def after_a_fault(here: Ground) -> list[str]:
    """Say what is not as it should be once a fault is over and quiet has come."""
    wrong = []
    working = here.engine.state.orders.working
    slots: dict[str, int] = {}
    for found in here.resting():
        order = working.get(found.id.client_id)
        if order is None:
            wrong.append(f"order {found.id.client_id} rests and the keeper does not know it")
        elif order.slot and order.cancel_gtb < 0:
            slots[order.slot] = slots.get(order.slot, 0) + 1
    wrong += [f"slot {slot} has {count} orders" for slot, count in slots.items() if count > 1]
    account = here.engine.state.account
    held = account.positions.get(TICKER)
    known = 0 if held is None else held.quantums
    if not here.exchange.chain.clob.pending and known != here.position():
        wrong.append(f"position {known}, the exchange says {here.position()}")
    return wrong
