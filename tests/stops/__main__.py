"""`make stops`: every stop tripped on a running keeper, and what came of it as a page."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.stops.broken import BROKEN_WITH_A_VAULT
from tests.stops.judging import Proof
from tests.stops.local import TRIPS, prove
from tests.stops.site import open_site
from tests.stops.table import BOOK, PAGE, VAULT, page_with, section
from tests.stops.vault import prove_on_site
from tests.stops.vault_trips import OPERATOR_EXIT, VAULT_TRIPS


def _said(proof: Proof, began: float) -> Proof:
    seconds = time.monotonic() - began
    found = "; ".join(proof.wrong) or "as it has to be"
    print(f"{proof.name:18} {seconds:6.0f} s  {found}", file=sys.stderr, flush=True)
    return proof


async def _on_a_book(folder: Path, seed: int, names: Sequence[str]) -> list[Proof]:
    found = []
    for number, trip in enumerate(TRIPS):
        if not names or trip.name in names:
            began = time.monotonic()
            found.append(_said(await prove(folder / str(number) / "journal", seed, trip), began))
    return found


async def _on_a_vault(
    folder: Path, seed: int, names: Sequence[str]
) -> tuple[list[Proof], list[Proof]]:
    """The stops, and the exits of the broken keepers, those first."""
    chosen = [trip for trip in VAULT_TRIPS if not names or trip.name in names]
    broken = [name for name in BROKEN_WITH_A_VAULT if not names or name in names]
    found: list[Proof] = []
    caught: list[Proof] = []
    if not chosen and not broken:
        return found, caught
    async with open_site(folder, seed) as site:
        for name in broken:
            began = time.monotonic()
            proof = await prove_on_site(site, folder, OPERATOR_EXIT, broken=name)
            caught.append(_said(proof, began))
        for trip in chosen:
            began = time.monotonic()
            found.append(_said(await prove_on_site(site, folder, trip), began))
    return found, caught


def _escaped(proof: Proof) -> bool:
    """Whether a broken keeper's exit was not seen for what it is."""
    _, sign = BROKEN_WITH_A_VAULT[proof.name]
    return not any(sign in it for it in proof.wrong)


def main() -> int:
    """Run a campaign and print what was seen; 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.stops", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("book", "vault"), help="One half of the page.")
    parser.add_argument("--stop", action="append", default=[], metavar="NAME", help="Only these.")
    parser.add_argument("--write", action="store_true", help=f"make {PAGE.name} of it")
    options = parser.parse_args()
    found: dict[str, list[Proof]] = {}
    caught: list[Proof] = []
    with tempfile.TemporaryDirectory(prefix="athanor-stops-") as name:
        folder = Path(name)
        if options.only != "vault":
            found[BOOK] = asyncio.run(_on_a_book(folder, options.seed, options.stop))
        if options.only != "book":
            found[VAULT], caught = asyncio.run(_on_a_vault(folder, options.seed, options.stop))
    only = f" --only {options.only}" if options.only else ""
    some = "".join(f" --stop '{name}'" for name in options.stop)
    command = f"python -m tests.stops --seed {options.seed}{only}{some} --write"
    made = {
        head: section(head, proofs, command, caught if head == VAULT else ())
        for head, proofs in found.items()
    }
    print("\n".join(made.values()))
    if options.write:
        before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        PAGE.write_text(page_with(before, made), encoding="utf-8")
    wrong = any(proof.wrong for proofs in found.values() for proof in proofs)
    return int(wrong or any(map(_escaped, caught)))


if __name__ == "__main__":
    sys.exit(main())
