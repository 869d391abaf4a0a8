"""The official client, method by method: the page in docs says what each of them gets."""

import asyncio

import pytest

from tests.keeper.official.table import PYTHON, ROOT, called, render

NOT_OURS = {
    "NodeClient": (
        "create_market_permissionless",
        "delegate",
        "undelegate",
        "withdraw_delegate_reward",
        "register_affiliate",
        "get_affiliate_info",
        "get_affiliate_whitelist",
        "get_all_affiliate_tiers",
        "get_referred_by",
        "get_all_gov_proposals",
        "get_all_validators",
        "get_delayed_complete_bridge_messages",
        "get_delegation_total_rewards",
        "get_delegator_delegations",
        "get_delegator_unbonding_delegations",
    ),
    "AffiliateClient": ("get_address", "get_metadata", "get_snapshot", "get_total_volume"),
}
"""Staking, governance, affiliates, new markets: no part of making a market."""


@pytest.fixture(scope="module")
def rows() -> dict[str, str]:
    if not PYTHON.exists():
        pytest.skip(f"no official client at {PYTHON} (run scripts/dydx_client_env.sh)")
    return asyncio.run(called())


def test_official_client__every_method_of_trading__is_served(rows: dict[str, str]) -> None:
    outside = {f"{owner}.{name}" for owner, names in NOT_OURS.items() for name in names}

    assert {name: word for name, word in rows.items() if word != "ok"}.keys() <= outside
    assert len(rows) > 100
    assert "not called" not in rows.values()


def test_official_client__page_in_docs__is_current(rows: dict[str, str]) -> None:
    """Make it anew: python -m tests.keeper.official > docs/official-client.md"""
    assert (ROOT / "docs" / "official-client.md").read_text() == render(rows)
