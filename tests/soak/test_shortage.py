"""Collateral leaves while orders rest: what the margin no longer carries shrinks where it rests."""

import asyncio
from pathlib import Path

import pytest
from coincurve import PrivateKey

from keeper.domain.settings import FixedSpreadParams
from tests.keeper.exchange.wallets import BUY, Trader, transfer
from tests.soak.ground import DEPOSIT, ORACLE_PER_TICK, Ground, Keeping, ground

LEFT = 250_000_000
"""Quote quantums that stay: less than the margin of the ladder below, about 300 USDC a side."""
LADDER = FixedSpreadParams(
    layers=2, half_spread_ppm=2_000, layer_step_ppm=1_000, order_size_quote_quantums=3_000_000_000
)
MARGIN_SHARE = 20
"""The exchange's initial margin is a twentieth."""


class Owner(Trader):
    """Who owns the keeper's account."""

    @property
    def key(self) -> PrivateKey:
        return PrivateKey(b"\x0a" * 32)


def margin(here: Ground) -> int:
    """Margin of the larger side as the exchange's book has it, in quote quantums at the oracle."""
    sides = [0, 0]
    for found in here.resting():
        sides[int(found.side) == BUY] += here.remaining(found)
    return max(sides) * here.price * ORACLE_PER_TICK // 10**9 // MARGIN_SHARE


def withdraw(here: Ground, quote_quantums: int) -> None:
    """Move collateral to another subaccount of the owner's."""
    owner = Owner(0)
    account = here.exchange.chain.state.accounts.get(owner.address)
    assert account is not None
    owner.number = account.number
    paid = owner.paid(transfer(owner, quote_quantums, 0, 1), sequence=account.sequence)
    outcome = here.exchange.chain.check_tx(paid)
    assert outcome.result.code == 0, outcome.result.raw_log


def test_keeper__collateral_leaves__sizes_shrink_by_replacement_on_the_exchange(
    tmp_path: Path,
) -> None:
    """No order is cancelled for it and both sides stay quoted: the same ids, smaller."""

    async def main() -> tuple[set[int], set[int], int, int, int]:
        keeping = Keeping(market={"strategy": LADDER, "size_tolerance_ppm": 0})
        async with ground(tmp_path / "journal", 1, keeping) as here:
            here.takes = 0.0
            assert await here.until(lambda: len(here.resting()) == 4, 100)
            ids, before = {found.id.client_id for found in here.resting()}, margin(here)
            withdraw(here, DEPOSIT - LEFT)
            assert await here.until(lambda: margin(here) <= LEFT, 60), margin(here)
            after = {found.id.client_id for found in here.resting()}
            assert here.is_quoting()
            return ids, after, before, margin(here), here.pace.kinds["cancel"]

    ids, after, before, shrunk, cancels = asyncio.run(main())

    assert after <= ids
    assert 0 < shrunk <= LEFT < before
    assert cancels <= 1, "a quote of no size at all is withdrawn, the others are replaced"


pytestmark = pytest.mark.filterwarnings("error")
