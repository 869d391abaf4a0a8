"""Safe Transaction Builder files: their shape, checksum and calldata, recomputed by other code."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from keeper.chain.calls import Call, view
from keeper.chain.codec import Function
from keeper.chain.safe_batch import BatchMeta, _serialize, batch_checksum, safe_batch

IMPORTER = Path(__file__).parents[2] / "safe_import.mjs"
SAFE = "0x" + "5a" * 20
VAULT = "0x1234567890AbcdEF1234567890aBcdef12345678"
ASSET = "0x" + "22" * 20
META = BatchMeta(
    chain_id=31_337, safe=SAFE, name="Deposit", description="é", created_at_ms=1_790_000_000_000
)
DEPOSIT = [
    view("MarketMakingVault", ASSET, "approve", VAULT, 10**9),
    view("MarketMakingVault", VAULT, "requestDeposit", 2**255 + 1, SAFE, SAFE),
]
OFFICIAL: dict[str, Any] = {
    "version": "1.0",
    "chainId": "4",
    "createdAt": 1646321521061,
    "meta": {
        "name": "test batch file",
        "txBuilderVersion": "1.4.0",
        "checksum": "",
        "createdFromSafeAddress": "0xDF8a1Ce35c9a6ACE153B4e0767942f1E2291a1Aa",
        "createdFromOwnerAddress": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6",
    },
    "transactions": [
        {
            "to": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6",
            "value": "0",
            "contractMethod": {
                "inputs": [{"internalType": "address", "name": "paramAddress", "type": "address"}],
                "name": "testAddress",
                "payable": False,
            },
            "contractInputsValues": {"paramAddress": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6"},
        },
        {
            "to": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6",
            "value": "0",
            "contractMethod": {
                "inputs": [{"internalType": "bool", "name": "paramBool", "type": "bool"}],
                "name": "testBool",
                "payable": False,
            },
            "contractInputsValues": {"paramAddress": "", "paramBool": "false"},
        },
        {
            "to": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6",
            "value": "2000000000000000000",
            "data": "0x42f4579000000000000000000000000049d4450977e2c95362c13d3a31a09311e0ea26a6",
        },
    ],
}
"""The test vector of the app's own suite, with its checksum below."""
OFFICIAL_CHECKSUM = "0x4ecbfd364aa6759983915644e73f8bd411e85a2dc306f252a387c2728c4db64c"


def imported(batch: dict[str, Any]) -> dict[str, Any]:
    """What an importer of its own, sharing no code with ours, makes of the written file."""
    done = subprocess.run(
        ["node", str(IMPORTER)], input=json.dumps(batch), capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_serialize__the_apps_own_vector__has_its_checksum() -> None:
    """The app's vector hashes a file whose checksum is the empty string, not absent."""
    text = _serialize({**OFFICIAL, "meta": {**OFFICIAL["meta"], "name": None}})

    assert "0x" + keccak(text=text).hex() == OFFICIAL_CHECKSUM


def test_safe_batch__checksum__is_what_another_implementation_computes() -> None:
    batch = safe_batch(META, DEPOSIT)

    assert imported(batch)["checksum"] == batch["meta"]["checksum"]


def test_safe_batch__fixed_call__has_a_fixed_checksum() -> None:
    assert safe_batch(META, DEPOSIT)["meta"]["checksum"] == (
        "0x8f5750c1d937fb0ecb5451a1eb802695e03a55076a6f0f714627a90e4e16c55c"
    )


def test_safe_batch__methods_and_values__encode_to_our_calldata() -> None:
    batch = safe_batch(META, DEPOSIT)

    assert [item["data"] for item in imported(batch)["transactions"]] == [
        call.function.encode(*call.arguments) for call in DEPOSIT
    ]
    assert all(item["data"] is None for item in batch["transactions"])


def test_safe_batch__flag_and_number_arguments__encode_to_our_calldata() -> None:
    call = view("MarketMakingVault", VAULT, "setOperator", ASSET, True)

    (transaction,) = imported(safe_batch(META, [call]))["transactions"]

    assert transaction["data"] == call.function.encode(*call.arguments)


def test_safe_batch__nested_arguments__are_written_as_data() -> None:
    report = (1, 1, b"\0" * 32, [(1, 2, 3, 4)], [0] * 5, 0, b"\0" * 32, b"\0" * 32)
    call = view("NavReporter", VAULT, "submitReport", report, [b"\1" * 65])

    (transaction,) = safe_batch(META, [call])["transactions"]

    assert transaction["data"] == call.function.encode(*call.arguments)
    assert transaction["contractMethod"] is None


def test_safe_batch__file__is_of_the_apps_shape() -> None:
    batch = safe_batch(META, DEPOSIT)

    assert list(batch) == ["version", "chainId", "createdAt", "meta", "transactions"]
    assert (batch["version"], batch["chainId"], batch["createdAt"]) == (
        *("1.0", "31337"),
        1_790_000_000_000,
    )
    assert batch["meta"]["createdFromSafeAddress"].lower() == SAFE
    first = batch["transactions"][0]
    assert (first["to"].lower(), first["value"]) == (ASSET, "0")
    assert first["contractMethod"] == {
        "inputs": [
            {"internalType": "address", "name": "spender", "type": "address"},
            {"internalType": "uint256", "name": "value", "type": "uint256"},
        ],
        "name": "approve",
        "payable": False,
    }
    assert first["contractInputsValues"] == {"spender": VAULT, "value": "1000000000"}


def tampered(path: list[Any], value: Any) -> dict[str, Any]:
    batch = copy.deepcopy(safe_batch(META, DEPOSIT))
    place: Any = batch
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return batch


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["chainId"], "1"),
        (["meta", "createdFromSafeAddress"], VAULT),
        (["transactions", 0, "to"], VAULT),
        (["transactions", 1, "contractInputsValues", "assets"], "7"),
        (["transactions", 1, "contractMethod", "name"], "requestRedeem"),
    ],
)
def test_batch_checksum__anything_changed__differs(path: list[Any], value: Any) -> None:
    batch = tampered(path, value)

    assert batch_checksum(batch) != batch["meta"]["checksum"]


def test_batch_checksum__renamed__is_the_same() -> None:
    batch = tampered(["meta", "name"], "another name")

    assert batch_checksum(batch) == batch["meta"]["checksum"]


def test_safe_batch__function_without_abi__is_written_as_data() -> None:
    call = Call(VAULT, Function("ping", b"\1\2\3\4", (), ()), ())

    assert safe_batch(META, [call])["transactions"][0]["data"] == "0x01020304"
