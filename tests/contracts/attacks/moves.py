"""Owns what attackers and victims do in these tests: join, leave, count what they have."""

from typing import Any

from tests.contracts.system import System

__all__ = ["DUST", "claim_assets", "claim_shares", "join", "leave", "recover", "wealth"]

DUST = 2
"""Rounding that one request may cost, never gain [asset units]."""


def join(system: System, user: Any, assets: int) -> None:
    """Deposit, settle and claim."""
    system.request_deposit(user, assets)
    system.settle()
    claim_shares(system, user)


def leave(system: System, user: Any) -> int:
    """Redeem everything at the next honest settlement; return what was paid [asset units]."""
    system.request_redeem(user, system.vault.balanceOf(user))
    system.settle()
    return claim_assets(system, user)


def claim_shares(system: System, user: Any) -> None:
    system.vault.deposit(system.vault.maxDeposit(user), user, user, sender=user)


def claim_assets(system: System, user: Any) -> int:
    """Claim all that is settled and return it [asset units]."""
    assets = system.vault.maxWithdraw(user)
    system.vault.redeem(system.vault.maxRedeem(user), user, user, sender=user)
    return int(assets)


def wealth(system: System, user: Any) -> int:
    """All a user has, shares at the settled price, requests in full [asset units]."""
    vault = system.vault
    shares = vault.balanceOf(user) + vault.maxMint(user) + vault.pendingRedeemRequest(0, user)
    assets = vault.maxWithdraw(user) + vault.pendingDepositRequest(0, user)
    return int(system.token.balanceOf(user) + assets + vault.convertToAssets(shares))


def recover(system: System) -> None:
    """Bring home what the chain holds after the start of the wind-down, as anybody may."""
    anybody = system.users[9]
    for adapter in (system.pool, system.clob):
        system.end.unwind(adapter, sender=anybody)
        system.end.collect(adapter, system.token, sender=anybody)
    system.end.collect(system.vault, system.token, sender=anybody)
