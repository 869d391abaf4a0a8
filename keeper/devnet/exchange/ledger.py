"""Owns money movements: bank, subaccounts, funding settlement; every one conserves USDC."""

from dataclasses import dataclass

from .addresses import BRIDGE, FEE_COLLECTOR, INSURANCE, SUBACCOUNTS
from .gating import is_gated
from .margin import update_is_allowed
from .model import Account, Position, Subaccount, SubaccountId
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
        state.totals.put("rounding", (state.totals.get("rounding") or 0) - received)
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
    state.subaccounts.put(key, Subaccount(usdc, dict(sorted(positions.items()))))
    interest = perpetual.open_interest + max(size, 0) - max(held.quantums, 0)
    state.perpetuals.put(change.market_id, type(perpetual)(perpetual.funding_index, interest))
    if change.fee:
        _add(state, SUBACCOUNTS, -change.fee)
        _add(state, FEE_COLLECTOR, change.fee)


def pay_insurance(state: State, key: SubaccountId, amount: int) -> None:
    """Move quote quantums from a subaccount to the insurance fund, back where negative."""
    account = state.subaccounts.get(key) or Subaccount()
    state.subaccounts.put(key, Subaccount(account.usdc - amount, account.positions))
    _add(state, SUBACCOUNTS, -amount)
    _add(state, INSURANCE, amount)


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
    send(state, sender, SUBACCOUNTS, amount)
    _change_collateral(state, recipient, amount)


def withdraw(state: State, sender: SubaccountId, recipient: str, amount: int) -> None:
    """Move USDC quantums from a subaccount to a wallet, keeping its margin."""
    _take_collateral(state, sender, amount)
    send(state, SUBACCOUNTS, recipient, amount)


def transfer(state: State, sender: SubaccountId, recipient: SubaccountId, amount: int) -> None:
    """Move USDC quantums between subaccounts, keeping the sender's margin."""
    if sender == recipient:
        raise sending(1, f"{sender.owner}/{sender.number}")
    _check_subaccount(recipient)
    ensure_account(state, recipient.owner)
    _take_collateral(state, sender, amount)
    _change_collateral(state, recipient, amount)


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

    Counts what subaccounts hold, not the pool account behind them, so that it checks the pool.
    """
    pooled = sum(
        account.usdc + sum(held.quote_balance for held in account.positions.values())
        for _, account in state.subaccounts.items()
    )
    wallets = sum(amount for address, amount in state.bank.items() if address != SUBACCOUNTS)
    return wallets + pooled + (state.totals.get("rounding") or 0)
