"""Who is who in the local world: keys derived from public seeds, worthless anywhere else."""

import hashlib
from dataclasses import dataclass

from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

from keeper.devnet.anvil import MNEMONIC
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of

__all__ = [
    "EVM_ROLES",
    "HOT_WALLET",
    "OWNER_WALLET",
    "EvmIdentity",
    "VenueIdentity",
    "evm_identities",
    "key_variables",
    "venue_identity",
]

OWNER_WALLET = "treasurer"
"""Role that owns the vault's account on the exchange."""
HOT_WALLET = "keeper"
"""Role whose key trades for that account by its authenticator, and does nothing else."""

EVM_ROLES = (
    "owner",
    "keeper",
    "guardian",
    "ada",
    "bruno",
    "carla",
    "relayer",
    "bridge",
    "publisher",
    "arbitrageur",
    "noise",
    "pool_lp",
    "taker_one",
    "taker_two",
    "slow_maker",
    "reporter_one",
    "reporter_two",
    "reporter_three",
    "tape_maker",
    "tape_taker",
    "project",
    "project_keeper",
    "project_guardian",
    "project_reporter_one",
    "project_reporter_two",
    "project_reporter_three",
    "dora",
    "emil",
    "farah",
    "goran",
    "hana",
)
"""Position in this list is the account index of the node's development mnemonic."""


@dataclass(frozen=True, slots=True)
class EvmIdentity:
    """An account of the local EVM node; `key` is 0x and 64 hexadecimal digits."""

    role: str
    address: str
    key: str


@dataclass(frozen=True, slots=True)
class VenueIdentity:
    """An account of the local exchange; `key` is 0x and 64 hexadecimal digits."""

    role: str
    address: str
    key: str

    @property
    def signer(self) -> LocalSigner:
        return LocalSigner(SecretKey(bytes.fromhex(self.key[2:])))


def evm_identities() -> dict[str, EvmIdentity]:
    """Every EVM account of the world by role."""
    seed = seed_from_mnemonic(MNEMONIC, "")
    return {
        role: _evm_identity(role, key_from_seed(seed, f"m/44'/60'/0'/0/{index}"))
        for index, role in enumerate(EVM_ROLES)
    }


def _evm_identity(role: str, key: bytes) -> EvmIdentity:
    return EvmIdentity(role, Account.from_key(key).address, "0x" + key.hex())


def venue_identity(role: str) -> VenueIdentity:
    """The exchange account of a role; the key is a hash of its name."""
    key = hashlib.sha256(f"athanor local world: {role}".encode()).digest()
    address = address_of(LocalSigner(SecretKey(key)).public_key)
    return VenueIdentity(role, address, "0x" + key.hex())


def key_variables(person: str) -> dict[str, str]:
    """The key of every role by the variable that configurations name, `person` as depositor."""
    people, owner = evm_identities(), venue_identity(OWNER_WALLET)
    return {
        "KEEPER_HOT_KEY": people["keeper"].key,
        "KEEPER_VENUE_KEY": venue_identity(HOT_WALLET).key,
        "KEEPER_TREASURER_KEY": owner.key,
        "KEEPER_REPORTER_KEY": people["reporter_one"].key,
        "KEEPER_RELAYER_KEY": people["relayer"].key,
        "KEEPER_DEPOSITOR_KEY": people[person].key,
    }
