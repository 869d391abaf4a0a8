"""Owns one deployed system under test: token, vault, reporter, a leg of each kind, actors."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from eth_account import Account
from eth_account.messages import encode_typed_data

DAY: Final = 86_400
REPORT_WINDOW: Final = 6 * 3_600
ZERO_HASH: Final = b"\0" * 32
MAX_UINT: Final = 2**256 - 1

REPORT_TYPES: Final = {
    "Leg": [
        {"name": "equity", "type": "int256"},
        {"name": "credited", "type": "uint128"},
        {"name": "debited", "type": "uint128"},
        {"name": "venueHeight", "type": "uint64"},
    ],
    "Report": [
        {"name": "vault", "type": "address"},
        {"name": "epoch", "type": "uint64"},
        {"name": "setId", "type": "uint32"},
        {"name": "prevHash", "type": "bytes32"},
        {"name": "legs", "type": "Leg[]"},
        {"name": "pnl", "type": "int256[5]"},
        {"name": "externalFlow", "type": "int256"},
        {"name": "dataRoot", "type": "bytes32"},
        {"name": "dataCid", "type": "bytes32"},
    ],
}
LEG_FIELDS: Final = ("equity", "credited", "debited", "venueHeight")


@dataclass(frozen=True, slots=True)
class Leg:
    """An attested leg, as in the Solidity struct."""

    equity: int
    credited: int
    debited: int
    height: int

    def as_tuple(self) -> tuple[int, int, int, int]:
        return (self.equity, self.credited, self.debited, self.height)


@dataclass(frozen=True, slots=True)
class Report:
    """A report, as in the Solidity struct."""

    epoch: int
    set_id: int
    prev_hash: bytes
    legs: tuple[Leg, ...]
    pnl: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    external: int = 0
    data_root: bytes = b"\x11" * 32
    data_cid: bytes = b"\x22" * 32

    def as_tuple(self) -> tuple[Any, ...]:
        legs = [leg.as_tuple() for leg in self.legs]
        head = (self.epoch, self.set_id, self.prev_hash, legs)
        return (*head, list(self.pnl), self.external, self.data_root, self.data_cid)


def vault_params(
    token: Any, roles: Sequence[Any], limits: Sequence[int], markets: bytes = ZERO_HASH
) -> tuple[Any, ...]:
    """The vault's constructor argument; roles are owner, keeper, guardian, fee recipient."""
    owner, keeper, guardian, fee_recipient = (role.address for role in roles)
    terms = (owner, keeper, guardian, fee_recipient, markets, tuple(limits))
    return (token.address, "Athanor USDC", "aUSDC", terms)


def typed_data(report: Report, vault: str, reporter: str, chain_id: int) -> dict[str, Any]:
    """The EIP-712 document of a report, built independently of the contract."""
    names = [entry["name"] for entry in REPORT_TYPES["Report"]]
    values = [vault, *report.as_tuple()]
    message = dict(zip(names, values, strict=True))
    message["legs"] = [dict(zip(LEG_FIELDS, leg.as_tuple(), strict=True)) for leg in report.legs]
    return {
        "types": REPORT_TYPES,
        "primaryType": "Report",
        "domain": {
            "name": "Athanor NavReporter",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": reporter,
        },
        "message": message,
    }


@dataclass(slots=True)
class System:
    """A wired vault with everything around it. `clob` is attested, `pool` is on-chain.

    `end` is its wind-down.
    """

    chain: Any
    token: Any
    vault: Any
    nav: Any
    silo: str
    clob: Any
    pool: Any
    venue: Any
    mandate: Any
    end: Any
    legs: Any
    deployer: Any
    owner: Any
    keeper: Any
    guardian: Any
    users: Sequence[Any]
    signers: Sequence[Any] = field(default_factory=list)
    height: int = 0

    @property
    def unit(self) -> int:
        """One whole asset."""
        return int(self.vault.minDeposit())

    @property
    def share(self) -> int:
        """One whole share."""
        return int(self.vault.minRedeem())

    def acting(self, signer: Any) -> Any:
        """A signer as an account that sends transactions."""
        self.chain.set_balance(signer.address, 10**18)
        return self.chain.account_manager[signer.address]

    def fund(self, user: Any, assets: int) -> None:
        """Give a user assets and approve the vault for them."""
        self.token.mint(user, assets, sender=self.deployer)
        self.token.approve(self.vault, MAX_UINT, sender=user)

    def request_deposit(self, user: Any, assets: int) -> Any:
        self.fund(user, assets)
        return self.vault.requestDeposit(assets, user, user, sender=user)

    def request_redeem(self, user: Any, shares: int) -> Any:
        return self.vault.requestRedeem(shares, user, user, sender=user)

    def cancel_deposit(self, user: Any) -> Any:
        """Cancel what can be cancelled and fetch it; the second receipt."""
        self.vault.cancelDepositRequest(0, user, sender=user)
        return self.vault.claimCancelDepositRequest(0, user, user, sender=user)

    def cancel_redeem(self, user: Any) -> Any:
        """Cancel what can be cancelled and fetch it; the second receipt."""
        self.vault.cancelRedeemRequest(0, user, sender=user)
        return self.vault.claimCancelRedeemRequest(0, user, user, sender=user)

    def wait(self, seconds: int) -> None:
        """Mine a block `seconds` later."""
        self.chain.mine(deltatime=seconds)

    def wait_for_cut(self) -> None:
        missing = self.vault.nextCutTime() - self.chain.pending_timestamp
        if missing > 0:
            self.wait(missing)

    def cut(self) -> Any:
        """Wait for the next possible cut and take it."""
        self.wait_for_cut()
        return self.vault.closeEpoch(sender=self.deployer)

    def report(self, equity: int | None = None, **changes: Any) -> Report:
        """An honest report: all transfers arrived, `equity` (default: unchanged) is spread PnL."""
        sent, returned = self.legs.transfersAt(self.vault.cut().epoch)
        legs = self.nav.lastLegs()
        last = Leg(*legs[0]) if legs else Leg(0, 0, 0, 0)
        moved = (sent[0] - last.credited) - (returned[0] - last.debited)
        worth = last.equity + moved if equity is None else equity
        self.height += 1
        leg = Leg(worth, sent[0], returned[0], last.height + 1)
        report = Report(
            epoch=self.vault.cut().epoch,
            set_id=self.nav.setId(),
            prev_hash=bytes(self.nav.lastReportHash()),
            legs=(leg,),
            pnl=(worth - last.equity - moved, 0, 0, 0, 0),
        )
        return replace(report, **changes)

    def sign(self, report: Report, signers: Sequence[Any] | None = None) -> list[bytes]:
        """Signatures over the report by `signers`, by default the first two."""
        document = typed_data(
            report, self.vault.address, self.nav.address, self.chain.provider.chain_id
        )
        message = encode_typed_data(full_message=document)
        chosen = self.signers[:2] if signers is None else signers
        return [bytes(Account.sign_message(message, key.key).signature) for key in chosen]

    def submit(self, report: Report, signatures: list[bytes] | None = None) -> Any:
        signed = self.sign(report) if signatures is None else signatures
        return self.nav.submitReport(report.as_tuple(), signed, sender=self.deployer)

    def settle(self, equity: int | None = None) -> Any:
        """Cut, report honestly, settle."""
        self.cut()
        return self.submit(self.report(equity))

    def seed(self, user: Any, assets: int) -> None:
        """Deposit, settle and claim: the user holds shares worth `assets`."""
        self.request_deposit(user, assets)
        self.settle()
        self.vault.deposit(assets, user, user, sender=user)

    def gain(self, assets: int) -> None:
        """Raise the worth of the on-chain leg."""
        bid, ask = self.pool.value()
        self.pool.setValue(bid + assets, ask + assets, sender=self.deployer)
