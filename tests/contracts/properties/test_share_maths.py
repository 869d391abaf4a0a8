"""Differential properties: queues, settlement and gate of the contracts against the mirror."""

from collections.abc import Callable
from dataclasses import astuple
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keeper.accounting.gate import Gate, Held
from keeper.accounting.shares import (
    PRICE_ONE,
    Controller,
    Fill,
    Pool,
    Pricing,
    Vault,
    near_empty,
    price_of,
    settlement,
    virtual_shares,
)
from tests.contracts.rpc import Rpc

NAMES = [Controller("0x" + f"{number:040x}") for number in range(1, 6)]
REQUEST, CANCEL, CANCEL_OPEN, CUT, FILL, CLAIM_IN, CLAIM_OUT = range(7)
NOBODY = NAMES[0]
Step = tuple[int, str, int, int]
BEST_RATE = 10**15  # shares per asset unit at the lowest price at which deposits are filled
POSITION = "(uint128,uint128,uint64,uint64,uint256,uint256,uint256,uint256)"
POOL_TYPES = ["(uint256,uint256,uint256,uint256,uint256)", f"{POSITION}[]"]
FILL_TYPES = [f"({','.join(['uint256'] * 8)},bool)"]
GATE_TYPES = ["uint256", "bool", f"(uint64,uint64,{','.join(['uint256'] * 6)})"]
COMMON = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
amounts = st.integers(0, 2**100)
CallHarness = Callable[..., tuple[Any, ...]]


@pytest.fixture(scope="module")
def harness(project: Any, accounts: Any) -> Any:
    return accounts[0].deploy(project.MathHarness)


@pytest.fixture(scope="module")
def call(harness: Any, chain: Any) -> CallHarness:
    rpc = Rpc(chain)

    def call_harness(name: str, *args: Any, types: list[str]) -> tuple[Any, ...]:
        return rpc.call(getattr(harness, name), *args, types=types)

    return call_harness


def play(random: Random, length: int, largest: int) -> tuple[Pool, list[Step]]:
    """Play a valid random sequence on the mirror; return it and its steps."""
    pool, steps = Pool(), list[Step]()
    for _ in range(length):
        name = random.choice(NAMES)
        step = choose(random, pool, name, largest)
        if step is not None:
            steps.append(step)
    return pool, steps


def choose(random: Random, pool: Pool, name: Controller, largest: int) -> Step | None:
    """Play one random step on the mirror, if it is possible."""
    kind = random.choices(range(7), [6, 1, 1, 4, 8, 3, 3])[0]
    amount = pay = 0
    if kind == REQUEST:
        amount = random.randrange(1, largest + 1)
        pool.request(name, amount)
    elif kind in (CANCEL, CANCEL_OPEN):
        pool.cancel(name, in_cut=kind == CANCEL_OPEN)
    elif kind == CUT:
        pool.cut()
    elif kind == FILL:
        if not pool.total:
            return None
        left = random.choice([0, 1, pool.total // 10**9, pool.total // 3, pool.total // 2])
        amount = pool.total - min(left, pool.total - 1)
        pay = random.randrange(min(largest, pool.total * BEST_RATE))
        pool.fill(amount, pay)
    elif kind == CLAIM_IN:
        amount = pool.view(name).claim_in // random.choice([1, 2, 3])
        pool.claim_by_in(name, amount)
    else:
        amount = pool.view(name).claim_out // random.choice([1, 2, 3])
        pool.claim_by_out(name, amount)
    return (kind, name, amount, pay)


def compare(call: CallHarness, pool: Pool, steps: list[Step]) -> None:
    totals, positions = call("runPool", steps, NAMES, types=POOL_TYPES)
    assert totals == (pool.total, pool.open, pool.gen, pool.p, pool.s)
    for name, position in zip(NAMES, positions, strict=True):
        mirror = pool.view(name)
        amount, open_amount, _, _, _, _, claim_in, claim_out = position
        assert (amount, open_amount) == (mirror.amount, mirror.open_amount)
        assert (claim_in, claim_out) == (mirror.claim_in, mirror.claim_out)


@COMMON
@given(
    seed=st.integers(0, 2**64),
    length=st.integers(1, 60),
    largest=st.sampled_from([10, 10**6, 10**12, 2**110]),
)
def test_request_pool__any_sequence__equals_the_mirror(
    call: CallHarness, seed: int, length: int, largest: int
) -> None:
    pool, steps = play(Random(seed), length, largest)

    compare(call, pool, steps)


def test_request_pool__ratios_that_spend_all_digits__end_generations(call: CallHarness) -> None:
    """A27: a nearly unfilled remainder survives many generations, filled with the newer ones."""
    pool, steps = Pool(), list[Step]()

    def step(kind: int, name: Controller, amount: int = 0, pay: int = 0) -> None:
        steps.append((kind, name, amount, pay))

    for _ in range(8):
        for name in NAMES[:2]:
            pool.request(name, 10**36)
            step(REQUEST, name, 10**36)
        pool.cut()
        step(CUT, NOBODY)
        amount = pool.total - pool.total // 10**9
        pool.fill(amount, 10**30)
        step(FILL, NOBODY, amount, 10**30)

    compare(call, pool, steps)
    assert pool.gen == 3
    assert 0 < pool.view(NAMES[0]).amount < 10**28


@COMMON
@given(
    sizes=st.lists(st.integers(10**6, 10**15), min_size=5, max_size=5),
    order=st.permutations(range(5)),
    part=st.integers(1, 99),
)
def test_request_pool__one_batch__equals_the_requests_one_by_one_v07(
    call: CallHarness, sizes: list[int], order: list[int], part: int
) -> None:
    """Whoever asks in whatever order, alone or together: the same fill, within rounding."""
    total = sum(sizes)
    filled = max(1, total * part // 100)
    tail = [(CUT, NOBODY, 0, 0), (FILL, NOBODY, filled, 3 * filled)]
    permuted = [(REQUEST, NAMES[who], sizes[who], 0) for who in order]

    _, apart = call("runPool", permuted + tail, NAMES, types=POOL_TYPES)
    _, together = call("runPool", [(REQUEST, NOBODY, total, 0), *tail], NAMES, types=POOL_TYPES)

    assert 0 <= sum(position[6] for position in apart) - together[0][6] <= 5
    assert 0 <= together[0][7] - sum(position[7] for position in apart) <= 5
    for size, position in zip(sizes, apart, strict=True):
        assert abs(position[6] * total - size * filled) <= total
        assert abs(position[7] - size * 3 * filled // total) <= 1


@st.composite
def books(draw: st.DrawFn) -> tuple[Vault, Pricing]:
    """A vault and prices for its cut, near-empty and insolvent-looking ones included."""
    vault = Vault(
        virtual=virtual_shares(draw(st.sampled_from([6, 8, 18]))),
        deposit_cap=draw(st.sampled_from([0, 10**9, 2**90, 2**128])),
        supply=draw(st.one_of(st.integers(0, 10**16), st.integers(0, 2**127), st.just(2**128 - 1))),
        idle=draw(amounts),
    )
    vault.deposits.total = draw(amounts)
    staying = draw(st.one_of(st.just(0), st.integers(0, 10**16), st.integers(0, vault.supply)))
    vault.redeems.total = max(0, vault.supply - staying)
    gross = draw(amounts)
    accepted = draw(st.integers(gross // 2, gross))
    price = price_of(accepted, vault.supply + vault.virtual)
    return vault, Pricing(
        accepted=accepted,
        gross=gross,
        gross_ask=gross + draw(st.sampled_from([0, 1, gross // 50])),
        deposits_open=draw(st.booleans()),
        mark=draw(st.sampled_from([0, price // 2, price * 99 // 100, price, price + 1, 2 * price])),
        fee_bps=draw(st.sampled_from([0, 1, 1_000, 3_000])),
    )


@COMMON
@given(books())
def test_quote__any_books__equals_the_mirror_and_conserves(
    call: CallHarness, drawn: tuple[Vault, Pricing]
) -> None:
    vault, pricing = drawn
    expected = settlement(vault, pricing)

    (answer,) = call(
        "quote",
        (
            vault.supply,
            vault.virtual,
            vault.idle,
            vault.deposits.total,
            vault.redeems.total,
            vault.deposit_cap,
        ),
        astuple(pricing),
        types=FILL_TYPES,
    )

    assert answer == astuple(expected)
    assert expected.redeem_assets <= vault.idle + expected.deposit_assets
    assert expected.redeem_shares <= vault.redeems.total
    assert expected.deposit_assets <= vault.deposits.total
    assert expected.supply_after < 2**128
    check_price(vault, pricing, expected)
    check_fee(vault, pricing, expected)


def check_price(vault: Vault, pricing: Pricing, fill: Fill) -> None:
    """V-05, V-06, V-18: who stays never loses price to who comes or goes, gain included."""
    before = vault.supply + vault.virtual + fill.fee_shares
    after = fill.supply_after + vault.virtual
    assert (fill.accepted_after + 1) * before >= (fill.accepted + 1) * after
    gross_after = pricing.gross + fill.deposit_assets - fill.redeem_assets
    assert (gross_after + 1) * before >= (pricing.gross + 1) * after or (
        pricing.gross_ask > pricing.gross
    )


def check_fee(vault: Vault, pricing: Pricing, fill: Fill) -> None:
    """V-21: nothing at or below the mark; above it at most the rate, and never down to below it."""
    shares = vault.supply + vault.virtual
    mark = Fraction(pricing.mark, PRICE_ONE)
    gain = fill.accepted + 1 - mark * shares
    worth = Fraction(fill.fee_shares * fill.accepted, shares + fill.fee_shares)
    assert fill.fee_shares == 0 or gain > 0
    assert worth <= max(0, gain) * Fraction(pricing.fee_bps, 10_000)
    assert fill.fee_shares == 0 or fill.accepted + 1 >= mark * (shares + fill.fee_shares)


@COMMON
@given(
    accepted=st.integers(1, 2**100),
    shares=st.integers(10**9, 2**128),
    moves=st.lists(
        st.tuples(st.integers(-5_000, 5_000), st.integers(86_400, 10 * 86_400)),
        min_size=1,
        max_size=12,
    ),
)
def test_step__any_path__equals_the_mirror_and_never_exceeds_gross(
    call: CallHarness, accepted: int, shares: int, moves: list[tuple[int, int]]
) -> None:
    """V-02: accepted NAV never exceeds gross; the gate is the same to the unit."""
    vault = Vault(virtual=10**6, deposit_cap=0, supply=shares, accepted=accepted)
    gate, time = Gate(), 0
    state: tuple[int, ...] = (0, 0, 0, 10**16, 2 * 10**16, 0, 0, 0)

    for basis_points, elapsed in moves:
        time += elapsed
        gross = max(1, vault.accepted + vault.accepted * basis_points // 10_000)
        if near_empty(vault.supply, vault.virtual):
            return
        answer, overdrawn, state = call(
            "stepGate",
            state,
            vault.accepted,
            gross,
            vault.supply + vault.virtual,
            time,
            types=GATE_TYPES,
        )
        verdict = gate.price(vault, gross, gross, time)
        vault.accepted = verdict.accepted
        assert answer == vault.accepted <= gross
        assert overdrawn == isinstance(verdict, Held)
        assert state == (
            gate.time,
            gate.slot_release_at,
            gate.slot,
            gate.bucket,
            gate.loss_bucket,
            gate.recovery,
            gate.fade_rate,
            gate.pending_fade_rate,
        )
