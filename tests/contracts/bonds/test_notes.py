"""Notes: vesting, redemption, transfer, the card; and everybody who is not entitled."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import ape
import pytest

from tests.contracts.bonds.houses import DAY, TOKEN, USDC, Bonds, midnight_after, oracle_terms
from tests.contracts.bonds.test_market_creation import only
from tests.contracts.bonds.test_purchases import position_of


@pytest.fixture
def note(bonds: Bonds, market: int, alice: Any) -> int:
    """Alice's note of 1,000 USDC."""
    bonds.buy(market, 1_000 * USDC, alice)
    return int(bonds.note.noteCount())


def card(bonds: Bonds, note: int) -> tuple[dict[str, Any], str]:
    """The decoded metadata and picture of a note."""
    head, data = bonds.note.tokenURI(note).split(",", 1)
    assert head == "data:application/json;base64"
    meta = json.loads(base64.b64decode(data))
    return meta, base64.b64decode(meta["image"].split(",", 1)[1]).decode()


def test_vested__before_and_after_cliff_and_expiry__is_linear_and_down(
    bonds: Bonds, note: int
) -> None:
    held = position_of(bonds, note)
    span = held["expiry"] - held["start"]
    for after in (1, 7 * DAY - 1, 7 * DAY, 12 * DAY + 17, span - 1, span, span + DAY):
        bonds.at(held["start"] + after)
        bonds.chain.mine()
        linear = held["payout"] * min(after, span) // span
        assert bonds.note.vested(note) == (linear if after >= 7 * DAY else 0)
        assert bonds.note.redeemable(note) == bonds.note.vested(note)


@pytest.mark.parametrize("offset", [0, 1, DAY // 2, DAY - 1])
def test_expiry__any_time_of_day__is_the_midnight_at_or_after(
    bonds: Bonds, market: int, alice: Any, offset: int
) -> None:
    """Edge case: rounding of the expiry."""
    bought = midnight_after(bonds.now) + offset + DAY
    bonds.at(bought)

    bonds.buy(market, USDC, alice)

    held = position_of(bonds, bonds.note.noteCount())
    assert held["start"] == bought
    assert held["expiry"] == midnight_after(bought + 30 * DAY) >= bought + 30 * DAY
    assert held["expiry"] % DAY == 0


def test_purchase__shortest_vesting__is_never_ripe_at_once(
    bonds: Bonds, treasury: Any, alice: Any
) -> None:
    """Edge case: a matured position minted by rounding the expiry."""
    market = bonds.create_market(treasury, vesting=DAY, cliff=0)
    bonds.at(midnight_after(bonds.now) + DAY - 1)
    bonds.buy(market, 100 * USDC, alice)

    held = position_of(bonds, bonds.note.noteCount())
    assert held["expiry"] - held["start"] == DAY + 1
    assert bonds.note.vested(bonds.note.noteCount()) == 0


def test_redeem__half_way_and_at_the_end__pays_all_of_it_and_burns(
    bonds: Bonds, note: int, market: int, alice: Any
) -> None:
    held = position_of(bonds, note)
    half = (held["expiry"] - held["start"]) // 2
    bonds.at(held["start"] + half)
    receipt = bonds.teller.redeem(note, alice, sender=alice)

    event = only(receipt, "Redeem")
    first = held["payout"] * half // (held["expiry"] - held["start"])
    assert (event.noteId, event.marketId, event.receiver, event.amount) == (
        *(note, market, alice.address, first),
    )
    assert bonds.token.balanceOf(alice) == first == position_of(bonds, note)["redeemed"]
    bonds.at(held["expiry"])
    bonds.teller.redeem(note, alice, sender=alice)
    assert bonds.token.balanceOf(alice) == held["payout"]
    assert bonds.note.balanceOf(alice) == 0


def test_redeem__twice__pays_once(bonds: Bonds, note: int, alice: Any) -> None:
    """Edge case: a note redeemed twice, in part and in full."""
    held = position_of(bonds, note)
    bonds.at(held["expiry"] - 1)
    bonds.teller.redeem(note, alice, sender=alice)
    paid = bonds.token.balanceOf(alice)
    bonds.at(held["expiry"])
    bonds.teller.redeem(note, alice, sender=alice)

    assert paid < held["payout"] == bonds.token.balanceOf(alice)
    with ape.reverts(bonds.note.ERC721NonexistentToken):
        bonds.teller.redeem(note, alice, sender=alice)


def test_redeem__before_the_cliff__reverts(bonds: Bonds, note: int, alice: Any) -> None:
    bonds.at(position_of(bonds, note)["cliffAt"] - 1)

    with ape.reverts(bonds.teller.NothingVested):
        bonds.teller.redeem(note, alice, sender=alice)


def test_redeem__by_a_stranger__reverts(bonds: Bonds, note: int) -> None:
    bonds.wait(40 * DAY)

    with ape.reverts(bonds.teller.NotAuthorised):
        bonds.teller.redeem(note, bonds.stranger, sender=bonds.stranger)


def test_redeem__by_whom_the_holder_approved__pays_whom_he_names(
    bonds: Bonds, note: int, alice: Any, bob: Any
) -> None:
    bonds.note.approve(bob, note, sender=alice)
    bonds.wait(40 * DAY)
    payout = position_of(bonds, note)["payout"]

    bonds.teller.redeem(note, bob, sender=bob)

    assert bonds.token.balanceOf(bob) == payout


def test_transfer__mid_vesting__the_new_holder_gets_the_rest(
    bonds: Bonds, note: int, alice: Any, bob: Any
) -> None:
    """Edge case: a note transferred while it vests."""
    held = position_of(bonds, note)
    bonds.at(held["start"] + 10 * DAY)
    bonds.teller.redeem(note, alice, sender=alice)
    first = bonds.token.balanceOf(alice)

    bonds.note.transferFrom(alice, bob, note, sender=alice)

    bonds.wait(30 * DAY)
    with ape.reverts(bonds.teller.NotAuthorised):
        bonds.teller.redeem(note, alice, sender=alice)
    bonds.teller.redeem(note, bob, sender=bob)
    assert first + bonds.token.balanceOf(bob) == held["payout"]


def test_redeem__receiver_that_the_issuer_refuses__another_receiver_is_paid(
    bonds: Bonds, note: int, alice: Any, bob: Any
) -> None:
    """Edge case: a blocklisted receiver."""
    bonds.wait(40 * DAY)
    payout = position_of(bonds, note)["payout"]
    bonds.token.setRefused(alice, True, sender=bonds.deployer)
    with ape.reverts(bonds.token.Refused):
        bonds.teller.redeem(note, alice, sender=alice)

    bonds.teller.redeem(note, bob, sender=alice)

    assert bonds.token.balanceOf(bob) == payout


def test_redeem__token_paused_by_its_issuer__waits_and_is_paid_later(
    bonds: Bonds, note: int, alice: Any
) -> None:
    bonds.wait(40 * DAY)
    payout = position_of(bonds, note)["payout"]
    bonds.token.setPaused(True, sender=bonds.deployer)
    with ape.reverts(bonds.token.TransfersPaused):
        bonds.teller.redeem(note, alice, sender=alice)
    bonds.token.setPaused(False, sender=bonds.deployer)

    bonds.teller.redeem(note, alice, sender=alice)

    assert bonds.token.balanceOf(alice) == payout


def test_redeem__note_of_a_forged_contract__pays_nobody(
    bonds: Bonds, market: int, note: int, alice: Any
) -> None:
    """Edge case: a live exploit of another system took 30,437 OHM with a note of its own making."""
    thief = bonds.stranger
    fake = thief.deploy(bonds.project.BondNote, thief)
    fake.mint(thief, (market, 10**24, 0, 0, 0, 1), sender=thief)
    assert fake.isAuthorised(thief, 1)
    assert fake.ownerOf(1) == thief

    with ape.reverts(bonds.teller.NotAuthorised):
        bonds.teller.redeem(1, thief, sender=thief)
    with ape.reverts(bonds.note.ERC721NonexistentToken):
        bonds.teller.redeem(note + 1, thief, sender=thief)

    (entry,) = [e for e in bonds.teller.contract_type.mutable_methods if e.name == "redeem"]
    assert [given.type for given in entry.inputs] == ["uint256", "address"]
    assert bonds.token.balanceOf(thief) == 0


def test_token_uri__half_vested_note__says_and_draws_it(bonds: Bonds, note: int) -> None:
    held = position_of(bonds, note)
    bonds.at(held["start"] + (held["expiry"] - held["start"]) // 2 + 60)
    bonds.chain.mine()

    meta, picture = card(bonds, note)

    texts = [entry.text for entry in ElementTree.fromstring(picture) if entry.text]  # noqa: S314
    whole = f"{held['payout'] / TOKEN:.6f}"[: len(str(held["payout"] // TOKEN)) + 5]
    assert meta["name"] == f"Athanor bond #{note}"
    assert texts[:3] == [f"Athanor bond #{note}", whole.rstrip("0").rstrip("."), "PROJ"]
    assert texts[3] == "vested 50 %, redeemed 0"
    assert texts[5] == bonds.token.address
    attributes = {entry["trait_type"]: entry["value"] for entry in meta["attributes"]}
    assert attributes["Redeemed"] == "0"
    assert attributes["Market"] == str(held["marketId"])


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        ("</text><script>", "</text><scri"),
        ('"},"x":"', '"},"x":"'),
        ("A&B'\"<>\\", "A&B'\"<>\\"),
        ("\n\x00\x07", "?"),
        ("\u20ae\u202e", "??????"),
        ("", "TOKEN"),
    ],
    ids=["tag", "json", "marks", "controls", "unicode", "none"],
)
def test_token_uri__symbol_of_an_attacker__is_text_and_nothing_else(
    bonds: Bonds, treasury: Any, alice: Any, symbol: str, shown: str
) -> None:
    bonds.token.setSymbol(symbol, sender=bonds.deployer)
    market = bonds.create_market(treasury)
    bonds.buy(market, 100 * USDC, alice)

    meta, picture = card(bonds, bonds.note.noteCount())

    root = ElementTree.fromstring(picture)  # noqa: S314
    assert [entry.text for entry in root if entry.text][2] == shown
    assert {entry.tag.split("}")[1] for entry in root.iter()} == {"svg", "rect", "text"}
    assert meta["description"].startswith(f"Bonded {shown}, vested until ")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"MKR" + bytes(29), "MKR"),
        (b"\xff", "TOKEN"),
        (b"PR", "TOKEN"),
        (b"\x20" * 40, "TOKEN"),
        ((32).to_bytes(32, "big") + (2**255).to_bytes(32, "big"), "TOKEN"),
        ((31).to_bytes(32, "big") + bytes(64), "TOKEN"),
    ],
    ids=["bytes32", "reverts", "tiny", "short", "length", "offset"],
)
def test_create_market__symbol_that_no_decoder_takes__is_read_all_the_same(
    bonds: Bonds, treasury: Any, raw: bytes, shown: str
) -> None:
    bonds.token.setRawSymbol(raw, sender=bonds.deployer)

    market = bonds.create_market(treasury)

    assert bonds.teller.market(market).symbol == shown


def test_position__note_that_does_not_exist__reverts(bonds: Bonds) -> None:
    for view in (bonds.note.position, bonds.note.vested, bonds.note.tokenURI):
        with ape.reverts(bonds.note.ERC721NonexistentToken):
            view(10**6)


@pytest.mark.parametrize(
    ("cost", "shown"),
    [(90 * USDC, "50"), (9 * USDC // 10, "0.5"), (9 * USDC // 100, "0.05"), (90, "0")],
)
def test_token_uri__amounts__are_whole_tokens_with_what_four_digits_say(
    bonds: Bonds, treasury: Any, alice: Any, cost: int, shown: str
) -> None:
    """At 1.8 USDC a token."""
    bonds.feed.push(2 * 10**8, sender=bonds.deployer)
    market = bonds.create_market(
        treasury, auctioneer=bonds.oracle.address, terms=oracle_terms(max_age=3_600)
    )
    bonds.buy(market, cost, alice)

    _, picture = card(bonds, bonds.note.noteCount())

    texts = [entry.text for entry in ElementTree.fromstring(picture) if entry.text]  # noqa: S314
    assert texts[1] == shown


@pytest.mark.parametrize("month", range(1, 13))
def test_token_uri__any_month__has_the_date_of_its_expiry(
    bonds: Bonds, treasury: Any, alice: Any, month: int
) -> None:
    year = datetime.fromtimestamp(bonds.now, UTC).year + 1
    day = int(datetime(year, month, 28, tzinfo=UTC).timestamp())
    treasury.extendLock(bonds.now + 800 * DAY, sender=bonds.team)
    market = bonds.create_market(treasury, cliff=0, vesting=(day - bonds.now) // DAY * DAY)
    bonds.buy(market, 100 * USDC, alice)
    expiry = datetime.fromtimestamp(position_of(bonds, bonds.note.noteCount())["expiry"], UTC)

    meta, _ = card(bonds, bonds.note.noteCount())

    assert expiry.month == month
    assert meta["description"].startswith(f"Bonded PROJ, vested until {expiry:%Y-%m-%d}")


def test_redeem__to_the_teller_itself__reverts(bonds: Bonds, note: int, alice: Any) -> None:
    """What would leave nothing would free escrow that is owed to others."""
    bonds.at(position_of(bonds, note)["expiry"])

    with ape.reverts(bonds.teller.TransferMismatch):
        bonds.teller.redeem(note, bonds.teller, sender=alice)
