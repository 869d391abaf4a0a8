"""Owns money movements: bank, subaccounts, funding settlement; every one conserves USDC."""

from dataclasses import dataclass

from .addresses import BRIDGE, FEE_COLLECTOR, SUBACCOUNTS
from .gating import is_gated
from .margin import update_is_allowed
from .model import Account, Position, Subaccount, SubaccountId
from .pools import add_rounding, fund_of, is_pool, isolated_markets, pool_of, rounding, worth
from .results import Rejected, sdk, sending, subaccounts
from .store import State

__all__ = [
    "PositionChange",
    "apply_change",
    "bridge_in",
    "bridge_out",
    "deposit",
    "ensure_account",
    "pay_insurance",
    "pool_at",
    "send",
    "settled",
    "store_settled",
    "total_usdc",
    "transfer",
    "withdraw",
]

PPM = 1_000_000
MAX_SUBACCOUNT_NUMBER = 128_000


@dataclass(frozen=True, slots=True)
class PositionChange:
    """Effect of one fill on one subaccount. Base quantums; quote quantums; fee paid (>0)."""

    market_id: int
    quantums: int
    quote: int
    fee: int


def ensure_account(state: State, address: str) -> Account:
    """Return the account, creating it with the next account number where there is none."""
    account = state.accounts.get(address)
    if account is None:
        number = (state.totals.get("accounts") or 0) + 1
        state.totals.put("accounts", number)
        account = Account(number)
        state.accounts.put(address, account)
    return account


def _add(state: State, address: str, amount: int) -> None:
    state.bank.put(address, (state.bank.get(address) or 0) + amount)


def send(state: State, sender: str, recipient: str, amount: int) -> None:
    """Move USDC quantums between wallets. Raises Rejected sdk 5 when the sender lacks them."""
    held = state.bank.get(sender) or 0
    if held < amount:
        raise sdk(5, f"spendable balance {held} is smaller than {amount}")
    ensure_account(state, recipient)
    _add(state, sender, -amount)
    _add(state, recipient, amount)


def settled(state: State, subaccount: Subaccount) -> tuple[Subaccount, int]:
    """Return the subaccount with funding settled to the current indices, and what it received.

    The sum over positions is floored, as the chain does.
    """
    owed_ppm = 0
    positions: dict[int, Position] = {}
    for market_id, held in subaccount.positions.items():
        perpetual = state.perpetuals.get(market_id)
        index = perpetual.funding_index if perpetual else 0
        owed_ppm -= (index - held.funding_index) * held.quantums
        positions[market_id] = Position(held.quantums, index, held.quote_balance)
    received = owed_ppm // PPM
    return Subaccount(subaccount.usdc + received, positions), received


def store_settled(state: State, key: SubaccountId) -> Subaccount:
    """Settle funding of a subaccount in the state and return it; the floor goes to rounding."""
    before = state.subaccounts.get(key) or Subaccount()
    after, received = settled(state, before)
    if received:
        add_rounding(state, before, -received)
    if after != before:
        state.subaccounts.put(key, after)
    return after


def apply_change(state: State, key: SubaccountId, change: PositionChange) -> None:
    """Apply one side of a fill: position, quote balance, fee, open interest."""
    account = store_settled(state, key)
    perpetual = state.perpetuals.get(change.market_id)
    if perpetual is None:
        raise ValueError(f"market {change.market_id} has no perpetual")
    empty = Position(0, perpetual.funding_index, 0)
    held = account.positions.get(change.market_id, empty)
    size = held.quantums + change.quantums
    quote = held.quote_balance + change.quote
    usdc = account.usdc - change.fee
    positions = dict(account.positions)
    if size:
        positions[change.market_id] = Position(size, perpetual.funding_index, quote)
    else:
        positions.pop(change.market_id, None)
        usdc += quote
    after = Subaccount(usdc, dict(sorted(positions.items())))
    state.subaccounts.put(key, after)
    interest = perpetual.open_interest + max(size, 0) - max(held.quantums, 0)
    state.perpetuals.put(change.market_id, type(perpetual)(perpetual.funding_index, interest))
    _pay_fee(state, account, after, change.fee)


def _pay_fee(state: State, before: Subaccount, after: Subaccount, fee: int) -> None:
    """Take a fill's fee from the pool it happened in, and the money along where the pool changes.

    Quote moves between the sides of a fill inside one pool: who enters brings what it had before,
    who leaves takes what it has after.
    """
    left, entered = pool_of(state, before), pool_of(state, after)
    is_entering = left == SUBACCOUNTS and entered != left
    if fee:
        _add(state, entered if is_entering else left, -fee)
        _add(state, FEE_COLLECTOR, fee)
    if left != entered:
        moved = worth(before) if is_entering else worth(after)
        _add(state, left, -moved)
        _add(state, entered, moved)


def pay_insurance(state: State, key: SubaccountId, market_id: int, amount: int) -> None:
    """Move quote quantums from a subaccount to a market's insurance fund, back where negative."""
    account = state.subaccounts.get(key) or Subaccount()
    state.subaccounts.put(key, Subaccount(account.usdc - amount, account.positions))
    _add(state, pool_of(state, account), -amount)
    _add(state, fund_of(state, market_id), amount)


def _check_subaccount(key: SubaccountId) -> None:
    if key.number > MAX_SUBACCOUNT_NUMBER:
        raise subaccounts(200, f"subaccount number {key.number}")


def _change_collateral(state: State, key: SubaccountId, amount: int) -> None:
    account = store_settled(state, key)
    state.subaccounts.put(key, Subaccount(account.usdc + amount, account.positions))


def _take_collateral(state: State, key: SubaccountId, amount: int) -> None:
    before = settled(state, state.subaccounts.get(key) or Subaccount())[0]
    if is_gated(state, before):
        raise _not_updated(key, "WithdrawalsAndTransfersBlocked")
    _change_collateral(state, key, -amount)
    after = state.subaccounts.get(key) or Subaccount()
    if not update_is_allowed(state, before, after):
        raise _not_updated(key, "NewlyUndercollateralized")


def _not_updated(key: SubaccountId, result: str) -> Rejected:
    return subaccounts(102, f"subaccount {key.owner}/{key.number}, result {result}")


def deposit(state: State, sender: str, recipient: SubaccountId, amount: int) -> None:
    """Move USDC quantums from a wallet into a subaccount."""
    _check_subaccount(recipient)
    ensure_account(state, recipient.owner)
    send(state, sender, pool_at(state, recipient), amount)
    _change_collateral(state, recipient, amount)


def withdraw(state: State, sender: SubaccountId, recipient: str, amount: int) -> None:
    """Move USDC quantums from a subaccount to a wallet, keeping its margin."""
    _take_collateral(state, sender, amount)
    send(state, pool_at(state, sender), recipient, amount)


def transfer(state: State, sender: SubaccountId, recipient: SubaccountId, amount: int) -> None:
    """Move USDC quantums between subaccounts, keeping the sender's margin."""
    if sender == recipient:
        raise sending(1, f"{sender.owner}/{sender.number}")
    _check_subaccount(recipient)
    ensure_account(state, recipient.owner)
    _take_collateral(state, sender, amount)
    _change_collateral(state, recipient, amount)
    _add(state, pool_at(state, sender), -amount)
    _add(state, pool_at(state, recipient), amount)


def pool_at(state: State, key: SubaccountId) -> str:
    """Return the address of the pool that holds a subaccount's money."""
    return pool_of(state, state.subaccounts.get(key) or Subaccount())


def bridge_in(state: State, amount: int, source: str = "bridged_in") -> None:
    """Bring USDC quantums into the bridge account from outside."""
    ensure_account(state, BRIDGE)
    _add(state, BRIDGE, amount)
    state.totals.put(source, (state.totals.get(source) or 0) + amount)


def bridge_out(state: State, amount: int) -> None:
    """Take USDC quantums that reached the bridge account out of the exchange."""
    _add(state, BRIDGE, -amount)
    state.totals.put("bridged_out", (state.totals.get("bridged_out") or 0) + amount)


def total_usdc(state: State) -> int:
    """Return all USDC quantums inside: wallets, subaccounts, fees, insurance and rounding.

    Counts what subaccounts hold, not the pools behind them, so that it checks the pools.
    """
    pooled = sum(worth(account) for _, account in state.subaccounts.items())
    pooled += rounding(state) + sum(rounding(state, each) for each in isolated_markets(state))
    return pooled + sum(
        amount for address, amount in state.bank.items() if not is_pool(state, address)
    )
