"""Owns the fast path to the node for stateful tests: one synchronous call per transaction."""

from typing import Any, Final

from eth_abi import decode

GAS: Final = 5_000_000


class Reverted(AssertionError):
    """A transaction reverted; `selector` is the first four bytes of the answer."""

    def __init__(self, selector: str, what: str) -> None:
        super().__init__(f"{what} reverted with {selector}")
        self.selector = selector


class Rpc:
    """Sends and calls through the provider's own connection, without estimates or traces."""

    def __init__(self, chain: Any) -> None:
        self._make_request = chain.provider.web3.provider.make_request

    def request(self, method: str, *params: Any) -> Any:
        answer = self._make_request(method, list(params))
        if "error" in answer:
            data = answer["error"].get("data") or ""
            raise Reverted(str(data)[:10], f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def send(self, method: Any, *args: Any, sender: Any) -> dict[str, Any]:
        """Run a contract method as a transaction; return its receipt, raise `Reverted`."""
        transaction = self._transaction(method, args, sender)
        receipt: dict[str, Any] = self.request("eth_sendTransactionSync", transaction)
        if receipt["status"] != "0x1":
            self.request("eth_call", transaction, "latest")
            raise Reverted("", f"{method} failed, but not when called again")
        return receipt

    def refused(self, method: Any, *args: Any, sender: Any) -> str:
        """Return the error selector a call reverts with; fail when it does not revert."""
        try:
            self.request("eth_call", self._transaction(method, args, sender), "latest")
        except Reverted as error:
            return error.selector
        raise AssertionError(f"{method} was expected to revert")

    def call(
        self, method: Any, *args: Any, types: list[str], sender: Any = None
    ) -> tuple[Any, ...]:
        """Call a view and decode its answer as `types`."""
        transaction = self._transaction(method, args, sender)
        answer = self.request("eth_call", transaction, "latest")
        return decode(types, bytes.fromhex(answer[2:]))

    def now(self) -> int:
        """Time of the newest block [s]."""
        return int(self.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def wait(self, seconds: int) -> None:
        """Mine a block `seconds` later."""
        self.request("evm_setNextBlockTimestamp", self.now() + seconds)
        self.request("evm_mine")

    @staticmethod
    def _transaction(method: Any, args: tuple[Any, ...], sender: Any) -> dict[str, str]:
        transaction = {
            "to": method.contract.address,
            "data": "0x" + bytes(method.encode_input(*args)).hex(),
            "gas": hex(GAS),
        }
        if sender is not None:
            transaction["from"] = sender.address
        return transaction
