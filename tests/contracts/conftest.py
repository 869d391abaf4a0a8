"""Deployments and actors of the contract tests, by role."""

import os
from collections.abc import Callable, Iterator
from functools import partialmethod
from typing import Any

import pytest
from ape_ethereum.trace import Trace
from eth_account import Account
from web3.eth import Eth

from tests.contracts.ape_settings import read_settings_once
from tests.contracts.gas.meter import FOLDER, Meter
from tests.contracts.system import System, vault_params

pytest.register_assert_rewrite(
    "tests.contracts.invariants.machine", "tests.contracts.conformance.standard"
)

read_settings_once()  # for good: closing the session looks at them most often

RECEIPT_POLL = 0.002
"""Between two looks for a receipt [s]; the local chain has one within milliseconds."""

SIGNERS = [Account.from_key(number.to_bytes(32, "big")) for number in range(101, 106)]


@pytest.fixture(scope="session", autouse=True)
def receipts_at_once() -> Iterator[None]:
    """Not the tenth of a second that web3 sleeps after every transaction."""
    with pytest.MonkeyPatch.context() as patch:
        patched = partialmethod(Eth.wait_for_transaction_receipt, poll_latency=RECEIPT_POLL)
        patch.setattr(Eth, "wait_for_transaction_receipt", patched)
        yield


@pytest.fixture(scope="session", autouse=True)
def reverts_in_silence() -> Iterator[None]:
    """Not the call tree that Ape draws of every revert; CALL_TREES=1 brings it back."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("CALL_TREES"):
            patch.setattr(Trace, "show", lambda *_, **__: None)
        yield


@pytest.fixture(scope="session")
def deploy_system(project: Any, accounts: Any, chain: Any) -> Callable[..., System]:
    """Deploys and wires a system: decimals of the asset or a token, an owner, how many legs."""

    def deploy(
        decimals: int = 6,
        token: Any = None,
        cap: int | None = None,
        owner: Any = None,
        legs: int = 2,
    ) -> System:
        deployer, multisig, keeper, guardian, venue = (accounts[i] for i in range(5))
        owner = owner or multisig
        treasury = accounts[15]
        token = token or deployer.deploy(project.TestUSDC, decimals)
        roles = (owner, keeper, guardian, treasury)
        limits = (10**9 * 10 ** token.decimals() if cap is None else cap, 5_000, 3_000, 0, 0)
        vault = deployer.deploy(project.MarketMakingVault, vault_params(token, roles, limits))
        signers = SIGNERS[:3]
        nav = deployer.deploy(project.NavReporter, vault, [key.address for key in signers], 2)
        clob = deployer.deploy(project.MockAdapter, vault, token, venue)
        pool = deployer.deploy(project.MockAdapter, vault, token, "0x" + "00" * 20)
        more = [
            deployer.deploy(project.MockAdapter, vault, token, "0x" + "00" * 20)
            for _ in range(2, legs)
        ]
        vault.wire(nav, [clob, pool, *more][2 - min(legs, 2) :], sender=deployer)
        return System(
            chain=chain,
            token=token,
            vault=vault,
            nav=nav,
            silo=vault.silo(),
            clob=clob,
            pool=pool,
            venue=venue,
            mandate=project.Mandate.at(vault.mandate()),
            end=project.WindDown.at(vault.windDown()),
            legs=project.Legs.at(vault.legs()),
            deployer=deployer,
            owner=owner,
            keeper=keeper,
            guardian=guardian,
            users=[accounts[i] for i in range(5, 15)],
            signers=signers,
        )

    return deploy


@pytest.fixture(scope="session")
def system_6(deploy_system: Callable[..., System]) -> System:
    return deploy_system(6)


@pytest.fixture(scope="session")
def systems(deploy_system: Callable[..., System], system_6: System) -> dict[int, System]:
    return {6: system_6, 8: deploy_system(8), 18: deploy_system(18)}


@pytest.fixture
def system(system_6: System) -> System:
    """The 6-decimals system."""
    return system_6


@pytest.fixture(params=[6, 8, 18], ids=lambda d: f"decimals_{d}")
def any_system(request: pytest.FixtureRequest, systems: dict[int, System]) -> System:
    """The system with 6, 8 and 18 decimals."""
    return systems[request.param]


@pytest.fixture
def gas(project: Any, chain: Any, request: pytest.FixtureRequest) -> Meter:
    """Takes down what transactions cost."""
    return Meter(project, chain, FOLDER, request.node.name)


@pytest.fixture
def alice(system: System) -> Any:
    return system.users[0]


@pytest.fixture
def bob(system: System) -> Any:
    return system.users[1]


@pytest.fixture
def carol(system: System) -> Any:
    return system.users[2]


@pytest.fixture
def stranger(system: System) -> Any:
    return system.users[9]
