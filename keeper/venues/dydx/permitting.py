"""Whether this key may trade for this account, and whether the venue lets the account trade."""

from typing import Final

from keeper.domain.errors import ConfigError
from keeper.venues.dydx.indexer import Indexer
from keeper.venues.dydx.keys import address_of
from keeper.venues.dydx.permissions import powers_of
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.settings import DydxSettings

__all__ = ["account_number", "check_alone", "check_standing", "known_account"]

_MAY_TRADE: Final = frozenset({"COMPLIANT", "FIRST_STRIKE"})


async def check_standing(settings: DydxSettings, indexer: Indexer) -> None:
    """Raise ConfigError when the venue does not let this address trade freely."""
    status = await indexer.compliance()
    if status not in _MAY_TRADE:
        raise ConfigError(
            f"the venue has the account {settings.address} as {status}",
            next_step="ask the venue why; close what is open with its own interface",
        )


async def check_alone(settings: DydxSettings, indexer: Indexer) -> None:
    """Raise ConfigError when another subaccount of the owner has orders in a market of ours.

    The venue prevents self-trades within one subaccount only: two that quote a market would trade
    with each other, and pay fees for it.
    """
    for number in await indexer.other_subaccounts():
        found = {order.ticker for order in await indexer.open_orders(number)}
        shared = sorted(found & set(settings.markets))
        if shared:
            raise ConfigError(
                f"subaccount {number} of {settings.address} has orders in {', '.join(shared)} too",
                next_step="quote a market from one subaccount: stop the other keeper, or cancel",
            )


async def known_account(settings: DydxSettings, reader: Reader) -> int:
    """Return the owner's account number. Raises ConfigError when there is no such account."""
    account = await reader.account(settings.address)
    if account is None:
        raise ConfigError(
            f"account {settings.address} does not exist on {settings.chain_id}",
            next_step="fund it first: the chain creates accounts on their first receipt",
        )
    return account[0]


async def account_number(settings: DydxSettings, reader: Reader, public_key: bytes) -> int:
    """Return the owner's account number after checking that the key may sign for it.

    Raises ConfigError.
    """
    number = await known_account(settings, reader)
    signing = address_of(public_key)
    if settings.authenticator_ids:
        await _check_permission(settings, reader, public_key)
    elif signing != settings.address:
        raise ConfigError(
            f"the key signs for {signing}, the account is {settings.address}",
            next_step="use the account's key, or name the authenticator of a permissioned one",
        )
    return number


async def _check_permission(settings: DydxSettings, reader: Reader, public_key: bytes) -> None:
    """Raise ConfigError unless the account has that authenticator, of this very key."""
    chosen = settings.authenticator_ids[0]
    known = await reader.authenticators(settings.address)
    entry = next((a for a in known if a.authenticator_id == chosen), None)
    if entry is None:
        raise ConfigError(
            f"account {settings.address} has no authenticator {chosen}",
            next_step="register it with the owner's key: keeper venue authorise",
        )
    keys = powers_of(entry.kind, entry.config).keys
    if keys is not None and public_key not in keys:
        raise ConfigError(
            f"authenticator {chosen} is of another key than the one configured",
            next_step="use the key it names, or register this one: keeper venue authorise",
        )
