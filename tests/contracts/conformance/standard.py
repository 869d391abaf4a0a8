"""Owns a contract as a standard's text knows it: signatures, selectors, raw answers and raw logs.

Nothing here reads the vault's own ABI, so that a wrong name, type or index cannot hide behind it.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

from eth_abi import decode, encode
from eth_utils import keccak, to_checksum_address

from tests.contracts.rpc import Reverted, Rpc

GAS: Final = hex(5_000_000)
ZERO: Final = "0x" + "00" * 20


def selector(signature: str) -> bytes:
    """The four bytes a function is called by."""
    return keccak(text=signature)[:4]


def interface_id(*signatures: str) -> bytes:
    """ERC-165: the selectors of all its functions, exclusive-or."""
    numbers = (int.from_bytes(selector(signature), "big") for signature in signatures)
    return reduce(lambda x, y: x ^ y, numbers).to_bytes(4, "big")


def types_of(signature: str) -> list[str]:
    inside = signature[signature.index("(") + 1 : -1]
    return [name for name in inside.split(",") if name]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as a standard declares it: types in order, the first `indexed` of them in topics."""

    name: str
    types: tuple[str, ...]
    indexed: int

    @property
    def topic(self) -> bytes:
        return keccak(text=f"{self.name}({','.join(self.types)})")

    def read(self, log: dict[str, Any]) -> tuple[Any, ...]:
        """The fields of a log in the declared order; the log must have exactly this shape."""
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        assert topics[0] == self.topic
        assert len(topics) == 1 + self.indexed, f"{self.name}: {self.indexed} indexed fields"
        searched = zip(self.types, topics[1:], strict=False)
        fields = [decode([kind], topic)[0] for kind, topic in searched]
        data = bytes.fromhex(log["data"][2:])
        rest = self.types[self.indexed :]
        assert len(data) == 32 * len(rest), f"{self.name}: {len(rest)} fields in data"
        return tuple(_comparable(field) for field in (*fields, *decode(rest, data)))


def _comparable(field: Any) -> Any:
    is_address = isinstance(field, str) and field.startswith("0x")
    return to_checksum_address(field) if is_address else field


@dataclass(frozen=True, slots=True)
class Standard:
    """One contract, spoken to by signatures alone."""

    rpc: Rpc
    address: str

    def ask(self, signature: str, *args: Any, returns: str = "uint256", sender: Any = None) -> Any:
        """Call, and decode an answer that is exactly one static word."""
        answer = self.rpc.request("eth_call", self._call(signature, args, sender), "latest")
        raw = bytes.fromhex(answer[2:])
        assert len(raw) == 32, f"{signature} answers {len(raw)} bytes"
        return _comparable(decode([returns], raw)[0])

    def text(self, signature: str) -> str:
        answer = self.rpc.request("eth_call", self._call(signature, (), None), "latest")
        return str(decode(["string"], bytes.fromhex(answer[2:]))[0])

    def reverts(self, signature: str, *args: Any, sender: Any = None) -> bool:
        """Whether a call reverts."""
        try:
            self.rpc.request("eth_call", self._call(signature, args, sender), "latest")
        except Reverted:
            return True
        return False

    def send(self, signature: str, *args: Any, sender: Any) -> list[dict[str, Any]]:
        """Send a transaction that has to succeed; its logs."""
        call = self._call(signature, args, sender)
        receipt = self.rpc.request("eth_sendTransactionSync", call)
        assert receipt["status"] == "0x1", f"{signature} failed"
        logs: list[dict[str, Any]] = receipt["logs"]
        return logs

    def emitted(self, logs: list[dict[str, Any]], event: Event) -> list[tuple[Any, ...]]:
        """What this contract emitted of one event, in order."""
        topic = "0x" + event.topic.hex()
        own = [log for log in logs if log["address"].lower() == self.address.lower()]
        return [event.read(log) for log in own if log["topics"][0] == topic]

    def _call(self, signature: str, args: tuple[Any, ...], sender: Any) -> dict[str, str]:
        plain = [getattr(arg, "address", arg) for arg in args]
        data = selector(signature) + encode(types_of(signature), plain)
        call = {"to": self.address, "data": "0x" + data.hex(), "gas": GAS}
        if sender is not None:
            call["from"] = sender.address
        return call
