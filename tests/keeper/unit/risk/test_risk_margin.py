"""Ladders that need more margin than there is: shrunk to the step that fits, front layers first."""

import random

import pytest
from msgspec.structs import replace

from keeper.domain.orders import Side
from keeper.risk.margin import fit_margin, margin_bound, margin_needed
from tests.keeper.builders import ONE_ETH, USDC
from tests.keeper.markets import ETH
from tests.keeper.unit.risk.scene import FLAT, LADDER


def test_fit_margin__enough__unchanged() -> None:
    needed = margin_needed(LADDER, FLAT)

    assert fit_margin(LADDER, FLAT, needed) == (LADDER, ())


def test_fit_margin__one_unit_short__last_layer_shrinks_by_a_step_and_is_said() -> None:
    needed = margin_needed(LADDER, FLAT)

    kept, refused = fit_margin(LADDER, FLAT, needed - 1)

    assert [quote.layer for quote in kept] == [0, 0, 1, 1]
    assert sum(q.quantums for q in LADDER) > sum(q.quantums for q in kept)
    assert {note.code for note in refused} == {"MARGIN"}
    assert all(note.limit == needed - 1 < note.value for note in refused)
    assert margin_needed(kept, FLAT) <= needed - 1


@pytest.mark.parametrize("available", [0, -5 * USDC])
def test_fit_margin__nothing_left__only_what_needs_no_more_than_the_position(
    available: int,
) -> None:
    long = replace(FLAT, position=3 * ONE_ETH)

    kept, refused = fit_margin(LADDER, long, available)

    assert {quote.side for quote in kept} == {Side.SELL}
    assert {note.subject for note in refused} == {"ETH-USD/BUY"}


def test_fit_margin__random_states__fits_and_nothing_larger_would() -> None:
    """Against trying every step of the first quote that was cut."""
    rng = random.Random(5)
    cut = 0
    for _ in range(300):
        step = ETH.step_base_quantums
        held = replace(FLAT, position=step * rng.randint(-40, 40))
        ladder = tuple(replace(quote, quantums=step * rng.randint(1, 60)) for quote in LADDER)
        needed = margin_needed(ladder, held)
        assert margin_bound(ladder, held, 2_000) >= needed
        available = rng.randint(0, needed)
        kept, _ = fit_margin(ladder, held, available)
        most = max(available, held.margin)

        assert margin_needed(kept, held) <= most
        sizes = {(quote.side, quote.layer): quote.quantums for quote in kept}
        front = []
        for quote in ladder:
            size = sizes.get((quote.side, quote.layer), 0)
            if size < quote.quantums:
                larger = (*front, replace(quote, quantums=size + step))
                assert margin_needed(larger, held) > most
                cut += 1
                break
            front.append(quote)
    assert cut > 100
