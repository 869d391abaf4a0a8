"""A signer whose key is elsewhere: a command that is asked one line a signature.

The command is started once and kept. A request is `{"id": 7, "sign_bytes": "<hex>"}` on its
standard input; the answer `{"id": 7, "signature": "<hex>"}` or `{"id": 7, "error": "<why>"}` on
its standard output: r and s, 64 bytes, over sha256 of the sign bytes, in any order of ids. Every
signature is checked against the public key before it is used. Anything but a good signature in
time ends the command; `ready` starts it anew.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

from coincurve import PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import SignDoc

from keeper.venues.dydx.keys import SigningFailed

__all__ = ["CHECK_CHAIN", "ExternalSigner"]

CHECK_CHAIN: Final = "athanor-check"
"""Chain id of the document that `ready` has signed: no chain has it, and its body is empty."""
_CHECK: Final = SignDoc(chain_id=CHECK_CHAIN).SerializeToString()
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_SIGNATURE_BYTES: Final = 64
_PATIENCE_SECONDS: Final = 2.0


class ExternalSigner:
    """Signs by a command; not running before `ready`. Times in milliseconds."""

    def __init__(
        self,
        command: Sequence[str],
        public_key: bytes,
        timeout_ms: int,
        environment: Mapping[str, str],
    ) -> None:
        self.public_key = public_key
        self._command = tuple(command)
        self._timeout = timeout_ms / 1_000
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._killed: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._ids = count(1)
        self._broken = asyncio.Event()
        self._why = f"the signing command {self._command[0]} is not running"

    async def ready(self) -> None:
        """Start the command where it does not run, and have it sign what no chain would take."""
        if self._process is None:
            await self._start()
        await self.sign(_CHECK)

    async def sign(self, message: bytes) -> bytes:
        """Ask for a signature and check it; a high s is turned into the low one.

        Raises SigningFailed; the command has ended then.
        """
        process = self._process
        if process is None or process.stdin is None:
            raise self._failed()
        number = next(self._ids)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        line = json.dumps({"id": number, "sign_bytes": message.hex()})
        try:
            process.stdin.write(line.encode() + b"\n")
            signature = _with_low_s(await asyncio.wait_for(answer, self._timeout))
        except TimeoutError as error:
            self._break(f"did not answer within {self._timeout:g} s")
            raise self._failed() from error
        except OSError as error:
            self._break(f"takes no request: {error}")
            raise self._failed() from error
        finally:
            self._asked.pop(number, None)
        if not _is_signature(signature, message, self.public_key):
            self._break("gave a signature that is not of the configured public key")
            raise self._failed()
        return signature

    async def lost(self) -> None:
        """Wait until the command cannot be asked any more, then raise SigningFailed."""
        await self._broken.wait()
        raise self._failed()

    async def close(self) -> None:
        """End the command: its input ends first, then it is killed."""
        processes, reading = (self._process, self._killed), self._reading
        self._process = self._killed = self._reading = None
        for process in processes:
            if process is not None:
                await _end(process)
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def __repr__(self) -> str:
        return f"ExternalSigner({self._command[0]})"

    async def _start(self) -> None:
        await self.close()
        try:
            # A session of its own: Ctrl-C is for the keeper, which still has cancels to sign.
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            self._why = f"the signing command {self._command[0]} does not start: {error}"
            self._broken.set()
            raise self._failed() from error
        self._broken = asyncio.Event()
        self._reading = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out answers until there are none, or one that is none."""
        if process.stdout is None:
            raise RuntimeError("the signing command has no output")
        try:
            while line := await process.stdout.readline():
                self._take(line)
            reason = "ended"
        except (ValueError, KeyError, TypeError) as error:
            reason = f"answered what is no answer: {error}"
        if self._process is process:
            self._break(reason)

    def _take(self, line: bytes) -> None:
        """Resolve the request that a line answers. Raises ValueError, KeyError, TypeError."""
        answer: dict[str, Any] = json.loads(line)
        asked = self._asked[answer["id"]]
        if "error" in answer:
            self._break(f"refuses: {answer['error']}")
        elif not asked.done():
            asked.set_result(bytes.fromhex(answer["signature"]))

    def _break(self, reason: str) -> None:
        """Fail whatever was asked, and have the command end."""
        self._why = f"the signing command {self._command[0]} {reason}"
        process, self._process = self._process, None
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(self._failed())
        self._broken.set()
        if process is not None:
            self._killed = process
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def _failed(self) -> SigningFailed:
        return SigningFailed(self._why, next_step="check the signer: keeper doctor")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None and process.stdin is not None:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            process.kill()
    await process.wait()


def _with_low_s(signature: bytes) -> bytes:
    """The same signature as the chain takes it; anything but 64 bytes stays as it is."""
    s = int.from_bytes(signature[32:], "big")
    if len(signature) != _SIGNATURE_BYTES or not _ORDER // 2 < s < _ORDER:
        return signature
    return signature[:32] + (_ORDER - s).to_bytes(32, "big")


def _is_signature(signature: bytes, message: bytes, public_key: bytes) -> bool:
    """Whether 64 bytes are r and s over sha256(message), s being low."""
    if len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        return PublicKey(public_key).verify(cdata_to_der(deserialize_compact(signature)), message)
    except ValueError:
        return False
