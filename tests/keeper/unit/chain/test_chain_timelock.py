"""Operations of a timelock: named as the contract names them, told in words."""

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.chain.codec import checksum, contract
from keeper.chain.timelock import ZERO_HASH, Inner, describe_call, operation_id

TARGET = checksum("0x" + "c1" * 20)
KEEPER = "0x" + "ab" * 20


def call(name: str, *arguments: object, of: str = "Mandate") -> Inner:
    return Inner(TARGET, 0, contract(of).function(name, len(arguments)).encode(*arguments))


def test_operation_id__any_call__is_the_hash_of_its_parts() -> None:
    inner, salt = call("setKeeper", KEEPER), "0x" + "07" * 32
    packed = encode(
        ["address", "uint256", "bytes", "bytes32", "bytes32"],
        [TARGET, 0, bytes.fromhex(inner.data[2:]), bytes(32), b"\7" * 32],
    )

    assert operation_id(inner, ZERO_HASH, salt) == "0x" + keccak(packed).hex()
    assert operation_id(inner, ZERO_HASH, ZERO_HASH) != operation_id(inner, ZERO_HASH, salt)


def test_describe_call__of_ours__has_its_name_and_arguments() -> None:
    limits = (1, 2, 3, 4, 5)

    assert describe_call(call("setKeeper", KEEPER)) == ("setKeeper", (KEEPER,))
    assert describe_call(call("setLimits", limits)) == ("setLimits", (limits,))
    told = describe_call(call("setReporters", [KEEPER], 2, of="NavReporter"))
    assert told == ("setReporters", ((KEEPER,), 2))
    assert describe_call(call("updateDelay", 9, of="VaultTimelock")) == ("updateDelay", (9,))


def test_describe_call__of_a_stranger_or_cut_short__is_its_selector() -> None:
    foreign = Inner(TARGET, 0, "0xdeadbeef" + "00" * 32)
    short = Inner(TARGET, 0, call("setKeeper", KEEPER).data[:40])

    assert describe_call(foreign) == ("0xdeadbeef", (foreign.data,))
    assert describe_call(short) == (short.data[:10], (short.data,))
