"""A simulated plot played on the real contracts gives the same numbers, to the unit."""

from dataclasses import replace
from typing import Any

import pytest

from tests.adversaries.quorum import NAV, SHARES, Plot, State, best, opening, play, told
from tests.contracts.attacks.moves import claim_assets, claim_shares, join
from tests.contracts.system import DAY, System

PLOT = Plot(shares_bps=3_000, cash=0, days=7, vetoed=True)


def step(system: System, confederate: Any, state: State, move: tuple[str, str]) -> State:
    """Make one move on the contracts; return what the simulation says of it."""
    flow, report = move
    cash = system.token.balanceOf(confederate)
    if flow == "deposit":
        system.vault.requestDeposit(cash, confederate, confederate, sender=confederate)
    elif flow == "redeem":
        system.request_redeem(confederate, system.vault.balanceOf(confederate))
    system.wait_for_cut()
    gate = system.nav.gate()
    if gate.slotAmount and system.chain.pending_timestamp + 2 >= gate.slotReleaseAt:
        system.nav.vetoSlot(sender=_somebody_honest(system))
        state = replace(state, gate=replace(state.gate, slot=0, slot_release_at=0))
    before = system.vault.cut().time
    system.vault.closeEpoch(sender=system.deployer)
    elapsed = system.vault.cut().time - before
    expected = play(state, flow, report, replace(PLOT, vetoed=False), elapsed)

    system.submit(system.report(told(report, state) - system.vault.cut().idle))
    claim_shares(system, confederate)
    claim_assets(system, confederate)
    return expected


def _somebody_honest(system: System) -> Any:
    """The guardian or a reporter who may veto now."""
    now = system.chain.pending_timestamp
    able = [system.guardian, *(system.acting(key) for key in system.signers)]
    return next(who for who in able if system.nav.nextObjectionAt(who) <= now)


@pytest.mark.parametrize("system", [6], indirect=True, ids=["decimals_6"])
def test_attack_a08__best_plot_found__takes_on_the_contracts_what_the_simulation_says(
    system: System, alice: Any, bob: Any
) -> None:
    join(system, alice, NAV)
    system.vault.transfer(bob, SHARES * PLOT.shares_bps // 10_000, sender=alice)
    system.token.approve(system.vault, 2**256 - 1, sender=bob)
    taken, path = best(PLOT, width=4)
    state = opening(PLOT)
    state.gate.time = system.vault.cut().time
    state.gate.prices = [(state.gate.time, price) for _, price in state.gate.prices]

    for move in path:
        state = step(system, bob, state, move)
        assert system.vault.acceptedNav() == state.accepted
        assert system.vault.totalSupply() == state.supply
        assert system.vault.idle() == state.assets
        cash, shares = system.token.balanceOf(bob), system.vault.balanceOf(bob)
        assert 0 <= state.cash - cash <= 1  # a claim is rounded down
        assert 0 <= state.shares - shares <= 1
        state = replace(state, cash=cash, shares=shares)

    on_chain = NAV * 7_000 // 10_000 - state.honest_worth()
    assert abs(on_chain - taken) <= NAV // 10_000
    assert state.gate.time - system.vault.cutTimeOf(1) > 7 * DAY
