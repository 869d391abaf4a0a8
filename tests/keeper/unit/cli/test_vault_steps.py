"""What a depositor's command would send, and why it would not, against a fake node."""

import asyncio
from typing import Any

import pytest

from keeper.chain.calls import Block, Call
from keeper.chain.codec import contract
from keeper.chain.operations import Operation
from keeper.cli import vault as commands
from keeper.cli.access import Signing
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.vault_views import Token
from keeper.wallet import FundsMissing, Receipt

VAULT, ASSET, ADA = "0x" + "11" * 20, "0x" + "22" * 20, "0x" + "33" * 20
USDC = Token(ASSET, 6, "USDC", (18, "ATH"))
UNSIGNED = Signing("K", None, None, ADA, unsigned=True, wait_seconds=1, max_fee_gwei=1)
SIGNED = Signing("K", None, None, None, unsigned=False, wait_seconds=1, max_fee_gwei=1)


class FakeWallet:
    """Answers reads from a table and remembers what was sent."""

    def __init__(self, answers: dict[str, Any], *, address: str = "") -> None:
        self.vault, self.chain_id, self.address = VAULT, 31_337, address
        self.sent: list[Operation] = []
        self._answers = answers

    async def head(self) -> Block:
        return Block(7, "0x7", "0x6", 1_000, 1)

    async def read(self, calls: list[Call], _block: Block | str = "latest") -> list[Any]:
        return [self._answers[call.function.name] for call in calls]

    async def vault_views(self, names: tuple[str, ...], _block: Any = "latest") -> list[Any]:
        return [self._answers[name] for name in names]

    def operation(self, name: str, to: str, function: str, *arguments: Any) -> Operation:
        encoded = contract(name).function(function, len(arguments)).encode(*arguments)
        return Operation(to, encoded)

    async def send(self, operation: Operation) -> Receipt:
        self.sent.append(operation)
        return Receipt("0xhash", 8, 21_000, 1)


def steps(allowed: int, held: int = 10**9, *, may_approve: bool = False) -> list[Any]:
    wallet: Any = FakeWallet({"balanceOf": held, "allowance": allowed})
    return asyncio.run(commands._deposit_steps(wallet, USDC, ADA, 10**9, may_approve))


def names(found: list[Any]) -> list[str]:
    return [what for what, _ in found]


def test_deposit_steps__enough_allowance__is_one_transaction() -> None:
    assert names(steps(10**9)) == ["request deposit"]


def test_deposit_steps__no_allowance__names_the_fix() -> None:
    with pytest.raises(FundsMissing) as caught:
        steps(10**9 - 1)

    assert "--approve" in caught.value.next_step
    assert "999.999999 USDC" in str(caught.value)


def test_deposit_steps__approve_asked_for__approves_exactly_the_amount() -> None:
    found = steps(0, may_approve=True)

    assert names(found) == ["approve 1,000.00 USDC", "request deposit"]
    approval = found[0][1]
    assert approval.to == ASSET
    expected = contract("MarketMakingVault").function("approve", 2).encode(VAULT, 10**9)
    assert approval.data == expected


def test_deposit_steps__balance_one_unit_short__is_refused_before_anything() -> None:
    with pytest.raises(FundsMissing, match=r"999\.999999 USDC"):
        steps(10**9, held=10**9 - 1, may_approve=True)


@pytest.mark.parametrize(("held", "amount"), [(0, 0), (5, 6)])
def test_require_shares__more_than_held__is_refused(held: int, amount: int) -> None:
    with pytest.raises(FundsMissing):
        commands._require_shares(USDC, ADA, held, amount)


def test_deposit_terms__below_the_minimum__is_refused() -> None:
    answers = {"minDeposit": 100, "depositCap": 0, "acceptedNav": 0, "depositQueue": (0, 0)}
    wallet: Any = FakeWallet(answers)

    with pytest.raises(ArgumentInvalid, match="smallest deposit"):
        asyncio.run(commands._deposit_terms(wallet, USDC, 99))


def test_timing__cut_already_due__is_priced_from_now() -> None:
    answers = {"state": 0, "nextCutTime": 5, "openEpoch": 3, "reporter": ADA, "gate": (400,)}
    wallet: Any = FakeWallet(answers)

    terms = asyncio.run(commands._timing(wallet))

    assert terms["priced_at_cut_not_before"] == 1_000
    assert terms["settled_price_age_seconds"] == 600
    assert terms["claimable_at_latest_if_reported"] == 1_000 + 6 * 3_600


def act(signing: Signing, address: str, **options: bool) -> tuple[dict[str, Any], FakeWallet]:
    wallet = FakeWallet({}, address=address)
    step = wallet.operation("MarketMakingVault", VAULT, "closeEpoch")
    typed: Any = wallet
    result = asyncio.run(commands._act(typed, signing, [("cut", step)], {}, **options))
    return result, wallet


def test_act__unsigned__lays_out_and_sends_nothing() -> None:
    result, wallet = act(UNSIGNED, "", preview=False)

    assert wallet.sent == []
    assert result["transactions"][0]["to"] == VAULT
    assert result["transactions"][0]["value"] == "0"
    assert result["sent"] is False


def test_act__preview__sends_nothing_even_with_a_key() -> None:
    result, wallet = act(SIGNED, ADA, preview=True)

    assert wallet.sent == []
    assert result["steps"] == ["cut"]


def test_act__signed__sends_and_reports_the_receipt() -> None:
    result, wallet = act(SIGNED, ADA, preview=False)

    assert len(wallet.sent) == 1
    assert result["receipts"][0]["tx_hash"] == "0xhash"


@pytest.mark.parametrize(("address", "sender"), [("", None), (ADA, "0x" + "44" * 20), ("", "0x12")])
def test_acting__no_or_another_account__is_refused(address: str, sender: str | None) -> None:
    wallet: Any = FakeWallet({}, address=address)
    signing = Signing("K", None, None, sender, unsigned=True, wait_seconds=1, max_fee_gwei=1)

    with pytest.raises(ArgumentInvalid):
        commands._acting(wallet, signing)


def test_is_shown__raw_amount_beside_its_text__is_left_to_json() -> None:
    data = {"terms": {"amount_assets": 1, "shown_amount": "1 USDC", "joins_epoch": 2}}

    assert [n for n in data["terms"] if commands._is_shown(n, data)] == [
        "shown_amount",
        "joins_epoch",
    ]
