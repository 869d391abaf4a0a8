"""The indexer's deterministic identities: computed before sending, so events match intents."""

from uuid import UUID, uuid5

__all__ = ["SHORT_TERM", "order_id", "subaccount_id"]

_NAMESPACE = UUID("0f9da948-a6fb-4c45-9edc-4685c3f3317d")
SHORT_TERM = 0
"""Order flag of short-term orders, the only kind this keeper sends."""


def subaccount_id(address: str, number: int) -> str:
    """Return the indexer's uuid of a subaccount."""
    return str(uuid5(_NAMESPACE, f"{address}-{number}"))


def order_id(
    subaccount_uuid: str, client_id: int, clob_pair_id: int, flags: int = SHORT_TERM
) -> str:
    """Return the indexer's uuid of an order of the subaccount with that uuid."""
    return str(uuid5(_NAMESPACE, f"{subaccount_uuid}-{client_id}-{clob_pair_id}-{flags}"))
