"""Shown, laid out, written for a Safe, or sent; rehearsed before any of it."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import click
import pytest
from vault_samples import ADA, SIGNED, UNSIGNED, VAULT, FakeWallet

from keeper.chain.calls import view
from keeper.chain.safe_batch import batch_checksum
from keeper.cli import acting as module
from keeper.cli.access import Signing
from keeper.cli.acting import Plan, Step, act
from keeper.cli.failures import ArgumentInvalid
from keeper.wallet import TransactionRefused


def plan(account: str = ADA) -> Plan:
    steps = [
        Step("cut", view("MarketMakingVault", VAULT, "closeEpoch")),
        Step("name", view("MarketMakingVault", VAULT, "setOperator", ADA, True)),
    ]
    return Plan(title="Two things", account=account, steps=steps, panel=[("row", "text")])


def acted(
    signing: Signing, wallet: FakeWallet | None = None, **options: bool
) -> tuple[dict[str, Any], FakeWallet]:
    used = wallet or FakeWallet(address="" if signing.unsigned else ADA)
    typed: Any = used
    chosen = {"preview": False, "as_json": True, **options}
    return asyncio.run(act(typed, signing, plan(), **chosen)), used


def test_act__unsigned__lays_out_in_order_and_sends_nothing() -> None:
    result, wallet = acted(UNSIGNED)

    assert wallet.sent == []
    assert [item["what"] for item in result["transactions"]] == ["cut", "name"]
    assert all((item["to"], item["value"]) == (VAULT, "0") for item in result["transactions"])
    assert result["sent"] is False


def test_act__preview__sends_and_rehearses_nothing_even_with_a_key() -> None:
    result, wallet = acted(SIGNED, preview=True)

    assert (wallet.sent, wallet.rehearsed) == ([], [])
    assert result["steps"] == ["cut", "name"]


def test_act__signed__sends_all_and_reports_each_receipt() -> None:
    result, wallet = acted(SIGNED)

    assert len(wallet.sent) == 2
    assert [item["tx_hash"] for item in result["receipts"]] == ["0xhash"] * 2


@pytest.mark.parametrize("signing", [UNSIGNED, SIGNED], ids=["unsigned", "signed"])
def test_act__rehearsal_refused__nothing_is_sent_or_laid_out(signing: Signing) -> None:
    wallet = FakeWallet(address="" if signing.unsigned else ADA)
    wallet.refuses = TransactionRefused("the second would revert")

    with pytest.raises(TransactionRefused):
        acted(signing, wallet)

    assert wallet.rehearsed == ["closeEpoch", "setOperator"]
    assert wallet.sent == []


def test_act__safe__writes_one_file_with_its_checksum(tmp_path: Path) -> None:
    file = tmp_path / "safe.json"
    signing = dataclasses.replace(UNSIGNED, unsigned=False, safe=file)

    result, wallet = acted(signing, FakeWallet())

    batch = json.loads(file.read_text())
    assert batch_checksum(batch) == batch["meta"]["checksum"] == result["checksum"]
    assert batch["meta"]["createdFromSafeAddress"].lower() == ADA
    assert [item["contractMethod"]["name"] for item in batch["transactions"]] == [
        "closeEpoch",
        "setOperator",
    ]
    assert wallet.sent == []


def test_act__safe_file_in_no_folder__is_refused(tmp_path: Path) -> None:
    signing = dataclasses.replace(UNSIGNED, safe=tmp_path / "absent" / "safe.json")

    with pytest.raises(ArgumentInvalid, match="cannot be written"):
        acted(signing)


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("yes", "as_json", "asked"), [(False, False, 1), (True, False, 0), (False, True, 0)]
)
def test_act__on_a_terminal__asks_unless_told_not_to(
    monkeypatch: pytest.MonkeyPatch, yes: bool, as_json: bool, asked: int
) -> None:
    questions: list[str] = []
    monkeypatch.setattr(module.sys, "stdin", Terminal())

    def agree(text: str, **_: Any) -> bool:
        questions.append(text)
        return True

    monkeypatch.setattr(click, "confirm", agree)

    acted(dataclasses.replace(SIGNED, yes=yes), as_json=as_json)

    assert len(questions) == asked


def test_act__answered_no__sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "stdin", Terminal())
    monkeypatch.setattr(click, "confirm", lambda _text, **_: False)
    wallet = FakeWallet(address=ADA)

    with pytest.raises(click.Abort):
        acted(SIGNED, wallet, as_json=False)

    assert wallet.sent == []


def test_act__before_sending__shows_the_terms_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    acted(SIGNED)

    shown = capsys.readouterr()
    assert "row      text" in shown.err
    assert shown.out == ""
