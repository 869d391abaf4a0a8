"""The tree that only grows has the root of the tree built at once."""

import hashlib
from collections.abc import Sequence

import pytest

from keeper.journal.hashing import ZERO_HASH, MerklePeaks, merkle_root


def root_by_rows(leaves: Sequence[bytes]) -> bytes:
    """The definition: pair row by row, an odd node moves up unchanged."""
    row = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(row) > 1:
        pairs = [row[at : at + 2] for at in range(0, len(row), 2)]
        row = [hashlib.sha256(b"\x01" + b"".join(p)).digest() if p[1:] else p[0] for p in pairs]
    return row[0] if row else ZERO_HASH


@pytest.mark.parametrize("count", range(40))
def test_merkle_root__any_number_of_leaves__is_that_of_the_definition(count: int) -> None:
    leaves = [number.to_bytes(32, "big") for number in range(count)]
    tree = MerklePeaks()
    for leaf in leaves:
        tree.add(leaf)

    restored = MerklePeaks(tree.peaks)
    restored.add(b"one more")

    assert merkle_root(leaves) == tree.root() == root_by_rows(leaves)
    assert restored.root() == root_by_rows([*leaves, b"one more"])
    assert len(tree.peaks) <= 6
