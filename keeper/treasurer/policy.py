"""What the treasurer does next: a pure function of what chain and venue say (quote quantums)."""

from dataclasses import dataclass

from keeper.domain.units import PPM, mul_div_down

__all__ = ["Action", "BridgeHome", "Deposit", "Move", "Policy", "View", "Withdraw", "next_action"]


@dataclass(frozen=True, slots=True)
class Deposit:
    """From the wallet into an own subaccount."""

    subaccount: int
    quantums: int


@dataclass(frozen=True, slots=True)
class Withdraw:
    """From an own subaccount into the wallet."""

    subaccount: int
    quantums: int


@dataclass(frozen=True, slots=True)
class BridgeHome:
    """From the wallet to the bridge, for the adapter's fixed address."""

    quantums: int


@dataclass(frozen=True, slots=True)
class Move:
    """Between two own subaccounts."""

    sender: int
    recipient: int
    quantums: int


Action = Deposit | Withdraw | BridgeHome | Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Own places and paces; amounts in quote quantums.

    `trading_share_ppm` bounds the trading subaccount's share of the account where a reserve
    exists; `wallet_float` stays in the wallet to pay fees; `min_move` is not worth less.
    """

    trading: int
    reserve: int | None
    trading_share_ppm: int
    wallet_float: int
    min_move: int
    fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One committed venue height, and the vault's requests.

    `requested` and `sent_home` are cumulative; `free` is what may leave a subaccount without
    touching margin; equities include open positions.
    """

    requested: int
    sent_home: int
    wallet: int
    trading_equity: int
    trading_free: int
    reserve_free: int

    @property
    def owed(self) -> int:
        """Asked home and not sent yet."""
        return max(0, self.requested - self.sent_home)


def next_action(view: View, policy: Policy) -> Action | None:
    """Decide the one next step; the state after it decides the step after it.

    Requests come first: from the wallet, then the reserve, then what trading can spare. What
    arrives goes to trading up to its share, the rest to the reserve. A wallet that cannot pay
    the fee of a step can do nothing.
    """
    if view.wallet < policy.fee:
        return None
    spendable = max(0, view.wallet - policy.wallet_float - policy.fee)
    if view.owed:
        return _send_home(view, policy, spendable)
    return (
        _put_to_work(view, policy, spendable)
        or _refill_float(view, policy)
        or _rebalance(view, policy)
    )


def _send_home(view: View, policy: Policy, spendable: int) -> Action | None:
    if spendable >= view.owed:
        return BridgeHome(view.owed)
    # Two fees are due before the money is out: of this withdrawal and of the bridge.
    missing = view.owed + policy.wallet_float + 2 * policy.fee - view.wallet
    worthwhile = min(missing, policy.min_move)
    if policy.reserve is not None and view.reserve_free >= worthwhile:
        return Withdraw(policy.reserve, min(missing, view.reserve_free))
    if view.trading_free >= worthwhile:
        return Withdraw(policy.trading, min(missing, view.trading_free))
    return BridgeHome(spendable) if spendable >= policy.min_move else None


def _put_to_work(view: View, policy: Policy, spendable: int) -> Action | None:
    if spendable < policy.min_move:
        return None
    if policy.reserve is None:
        return Deposit(policy.trading, spendable)
    room = _trading_cap(view, policy) - view.trading_equity
    if room >= policy.min_move:
        return Deposit(policy.trading, min(room, spendable))
    return Deposit(policy.reserve, spendable)


def _refill_float(view: View, policy: Policy) -> Action | None:
    """Fees eat the float; without it the next request could not be served."""
    wanted = policy.wallet_float - view.wallet
    if 2 * view.wallet >= policy.wallet_float or view.trading_free < wanted:
        return None
    return Withdraw(policy.trading, wanted)


def _rebalance(view: View, policy: Policy) -> Action | None:
    if policy.reserve is None:
        return None
    room = _trading_cap(view, policy) - view.trading_equity
    if -room >= policy.min_move and view.trading_free >= policy.min_move:
        return Move(policy.trading, policy.reserve, min(-room, view.trading_free))
    if room >= policy.min_move and view.reserve_free >= policy.min_move:
        return Move(policy.reserve, policy.trading, min(room, view.reserve_free))
    return None


def _trading_cap(view: View, policy: Policy) -> int:
    whole = view.wallet + view.trading_equity + view.reserve_free
    return mul_div_down(max(0, whole), policy.trading_share_ppm, PPM)
