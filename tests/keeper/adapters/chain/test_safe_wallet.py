"""A contract wallet as depositor: a real Safe signs the files that the command line writes."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ape.contracts import ContractInstance
from chain_stage import USDC, Stage
from eth_account import Account

from keeper.cli.main import run
from scripts._deploy.chain import npm_contract

IMPORTER = Path(__file__).parents[2] / "safe_import.mjs"
ARTIFACTS = "@safe-global/safe-smart-account/build/artifacts/contracts"
ZERO = "0x" + "00" * 20
DELEGATE_CALL = 1
OWNERS = sorted(
    (Account.from_key(number.to_bytes(32, "big")) for number in (301, 302, 303)),
    key=lambda owner: int(owner.address, 16),
)
THRESHOLD = 2

Keeper = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Multisig:
    """A Safe of three owners, two of whom sign; anybody relays."""

    safe: Any
    multi_send: Any
    relayer: Any

    @property
    def address(self) -> str:
        return str(self.safe.address)

    def execute(self, file: Path) -> None:
        """Do what the owners do with a dropped file: sign all of it as one transaction."""
        packed = b"".join(_packed(item) for item in _imported(file))
        data = self.multi_send.multiSend.encode_input(packed)
        what = (self.multi_send.address, 0, data, DELEGATE_CALL, 0, 0, 0, ZERO, ZERO)
        # `safe.nonce` is Ape's own property of any address, its transaction count.
        nonce = self.safe.call_view_method("nonce")
        digest = self.safe.getTransactionHash(*what, nonce)
        signatures = b"".join(
            bytes(Account.unsafe_sign_hash(digest, owner.key).signature)
            for owner in OWNERS[:THRESHOLD]
        )
        self.safe.execTransaction(*what, signatures, sender=self.relayer)


def _imported(file: Path) -> list[dict[str, str]]:
    """The file as an importer that shares no code with us reads it, its checksum checked."""
    text = file.read_text()
    done = subprocess.run(
        ["node", str(IMPORTER)], input=text, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    assert answer["checksum"] == json.loads(text)["meta"]["checksum"]
    transactions: list[dict[str, str]] = answer["transactions"]
    return transactions


def _packed(item: dict[str, str]) -> bytes:
    """One call in MultiSend's layout: operation, target, value, length, data."""
    data = bytes.fromhex(item["data"][2:])
    target = bytes.fromhex(item["to"][2:])
    return b"\0" + target + int(item["value"]).to_bytes(32, "big") + len(data).to_bytes(32) + data


@pytest.fixture(scope="session")
def multisig(funded: Stage) -> Multisig:
    deployer = funded.issuer

    def deploy(path: str) -> ContractInstance:
        return deployer.deploy(npm_contract(f"{ARTIFACTS}/{path}"))

    singleton = deploy("Safe.sol/Safe.json")
    factory = deploy("proxies/SafeProxyFactory.sol/SafeProxyFactory.json")
    handler = deploy("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json")
    multi_send = deploy("libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json")
    owners = [owner.address for owner in OWNERS]
    setup = singleton.setup.encode_input(
        owners, THRESHOLD, ZERO, b"", handler.address, ZERO, 0, ZERO
    )
    made = factory.createProxyWithNonce(singleton.address, setup, 7, sender=deployer)
    (created,) = made.events.filter(factory.ProxyCreation)
    safe = ContractInstance(created.proxy, singleton.contract_type)
    return Multisig(safe, multi_send, deployer)


@pytest.fixture
def keeper(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Keeper:
    """`keeper vault ...` against the stage, without a key; returns its JSON."""
    where = ("--rpc-url", stage.url, "--vault", str(stage.vault.address))
    chain = ("--chain-id", str(stage.chain.chain_id), "--json")

    def call(*arguments: str) -> dict[str, Any]:
        code = run(["vault", *arguments, *where, *chain])
        said = capsys.readouterr()
        assert code == 0, said.err
        answer: dict[str, Any] = json.loads(said.out)
        return answer

    return call


def test_safe__deposit_then_claim__by_the_files_alone(
    stage: Stage, multisig: Multisig, keeper: Keeper, tmp_path: Path
) -> None:
    """The way of every contract wallet: no permit, no key here, approval and request together."""
    file, who = tmp_path / "safe.json", ("--from", multisig.address)
    stage.usdc.mint(multisig.address, 1_000 * USDC, sender=stage.issuer)

    written = keeper("deposit", "1000", "--safe", str(file), *who)
    multisig.execute(file)

    assert [item["what"] for item in written["transactions"]] == [
        "approve 1,000.00 USDC",
        "request deposit",
    ]
    assert stage.vault.pendingDepositRequest(0, multisig.address) == 1_000 * USDC
    assert stage.usdc.allowance(multisig.address, stage.vault) == 0
    assert keeper("requests", multisig.address, "--from-block", "0")["deposit"]["pending"][
        "assets"
    ] == (1_000 * USDC)

    stage.settle()
    keeper("claim", "--safe", str(file), *who)
    multisig.execute(file)

    shares = stage.vault.balanceOf(multisig.address)
    assert shares > 0
    states = keeper("requests", multisig.address, "--from-block", "0")["deposit"]
    assert states["claimed"] == {"assets": 1_000 * USDC, "shares": shares}
    assert states["pending"]["assets"] == states["claimable"]["assets"] == 0


def test_safe__redeem_all_then_cancel__gets_its_shares_back(
    stage: Stage, multisig: Multisig, keeper: Keeper, tmp_path: Path
) -> None:
    file, who = tmp_path / "safe.json", ("--from", multisig.address)
    stage.usdc.mint(multisig.address, 50 * USDC, sender=stage.issuer)
    for arguments in (("deposit", "50"), ("claim",), ("redeem", "all"), ("cancel", "redeem")):
        keeper(*arguments, "--safe", str(file), *who)
        multisig.execute(file)
        if arguments[0] == "deposit":
            stage.settle()
            held = stage.vault.maxMint(multisig.address)

    assert stage.vault.balanceOf(multisig.address) == held > 0
    assert stage.vault.pendingRedeemRequest(0, multisig.address) == 0
