"""Attacks on a real pool and by the keeper in it: pumps, self-trading, smuggled calls."""

from typing import Any

import ape
import pytest

from tests.contracts.adapters.conftest import FOREVER, PRICE_E8, SEED, USDC
from tests.contracts.adapters.test_vault_with_adapters import cut_at
from tests.contracts.attacks.moves import DUST, claim_assets
from tests.contracts.system import System

ETHER = 10**18
HALF_HOUR = 1_860


def _tokens(market: Any, account: Any) -> tuple[int, int]:
    world = market.world
    return world.usdc.balanceOf(account), world.weth.balanceOf(account)


@pytest.mark.parametrize("usdc", [1_000_000, -1_000_000])
def test_attack_a18__pool_pumped_for_the_whole_window__leaver_takes_nothing_and_newcomers_wait(
    invested_live: System, market: Any, usdc: int
) -> None:
    """The spot is kept away for the 30 minutes before the cut; Bob leaves, the attacker joins."""
    live = invested_live
    leaver, newcomer = live.users
    live.vault.transfer(newcomer, live.vault.balanceOf(leaver) // 10, sender=leaver)
    live.request_redeem(newcomer, live.vault.balanceOf(newcomer))
    live.request_deposit(newcomer, 500_000 * USDC)
    live.wait_for_cut()
    market.push(PRICE_E8)
    fair = live.vault.idle() + live.pool.value()[0]
    market.buy_weth(usdc * USDC) if usdc > 0 else market.sell_weth(-usdc * ETHER // 3_000)
    live.wait(HALF_HOUR)
    fees = live.pool.value()[0]

    cut = cut_at(live, market)
    report = live.report()
    outcome = live.nav.previewReport(report.as_tuple())
    live.submit(report)

    paid = claim_assets(live, newcomer)
    earned = cut.legBid - min(fees, cut.legBid)
    assert cut.legAsk > cut.legBid
    assert outcome.grossAsk > outcome.gross
    assert paid <= (fair + earned) // 10 + DUST
    if not outcome.depositsOpen:
        assert live.vault.pendingDepositRequest(0, newcomer) == 500_000 * USDC
    else:
        worth = live.vault.convertToAssets(live.vault.maxMint(newcomer))
        assert worth <= 500_000 * USDC


def test_attack_a19__keeper_sells_to_himself__every_trade_loses_at_most_30_bps(
    invested_live: System, market: Any
) -> None:
    """The keeper's accomplice pushes the spot before each swap and back after it, for an hour."""
    live = invested_live
    assets = live.pool.value()[0]
    lost = []
    for _ in range(8):
        market.buy_weth(5_000 * USDC)
        live.wait(61)
        market.push(PRICE_E8)
        before = live.pool.value()[0]
        booked = live.pool.balances()
        mine = booked[1] if market.weth_is_0 else booked[0]
        live.pool.swapExactIn(not market.weth_is_0, mine // 20, 0, FOREVER, sender=live.keeper)
        lost.append(before - live.pool.value()[0])
        market.sell_weth(5_000 * ETHER // 3_000)
        with ape.reverts(live.pool.CooldownActive):
            live.pool.swapExactIn(not market.weth_is_0, USDC, 0, FOREVER, sender=live.keeper)
    with ape.reverts(live.pool.ValueChangeExceeded):
        live.wait(61)
        market.buy_weth(200_000 * USDC)
        live.pool.swapExactIn(not market.weth_is_0, mine // 2, 0, FOREVER, sender=live.keeper)

    assert max(lost) > 0
    assert all(loss * 10_000 <= assets * 30 for loss in lost)


def test_attack_a21__approvals_and_calldata__nothing_outlives_a_call_and_nobody_is_named(
    invested_live: System, market: Any, project: Any
) -> None:
    """The keeper's whole day; then every allowance of the vault's contracts, to everybody known."""
    live = invested_live
    live.vault.allocate(live.clob, 100_000 * USDC, sender=live.keeper)
    live.vault.deallocate(live.pool, 50_000 * USDC, sender=live.keeper)
    live.token.transfer(live.clob, 30_000 * USDC, sender=live.venue)
    live.clob.sync(sender=live.keeper)
    live.wait(61)
    low, high, _ = live.pool.ranges()[0]
    live.pool.exitRange(low, high, 0, sender=live.keeper)

    ours = [live.vault, live.silo, live.pool, live.clob, live.end]
    others = [*ours, live.keeper, live.venue, live.guardian, market.pool, market.world.router]
    for token in (market.world.usdc, market.world.weth):
        for owner in ours:
            for spender in others:
                assert token.allowance(owner, spender) == 0
        assert token.balanceOf(live.keeper) == 0
    for name in ("UniswapV3Adapter", "ClobAdapter"):
        for method in getattr(project, name).contract_type.mutable_methods:
            if method.name.endswith("Callback"):
                continue
            named = [i.name for i in method.inputs if i.type in ("address", "bytes", "address[]")]
            assert named == (["token"] if method.name == "release" else [])
    assert live.vault.idle() + live.pool.value()[0] + 70_000 * USDC <= SEED
