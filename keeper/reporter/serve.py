"""A reporter's HTTP door on loopback: GET /healthz, POST /reports."""

import asyncio
from typing import Final

import msgspec
import structlog

from keeper.domain.errors import AthanorError
from keeper.domain.reports import Report
from keeper.reporter.model import Refusal
from keeper.reporter.service import ReporterService

__all__ = ["ReporterServer"]

_MOST_BODY: Final = 65_536
_MOST_DISCARDED: Final = 1_048_576
_MOST_HEADER: Final = 16_384
_READ_SECONDS: Final = 10
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    503: "Service Unavailable",
}


class _Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /reports: the relayer's report, or nothing to ask for the reporter's own."""

    report: Report | None = None


class _BadRequestError(Exception):
    """Raised for a request that is answered with a client error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ReporterServer:
    """Serves one reporter until cancelled; a refusal is a 409 with code and both numbers."""

    def __init__(self, service: ReporterService, host: str, port: int) -> None:
        self._service = service
        self._host, self._port = host, port
        self._log = structlog.get_logger("keeper.reporter")
        self.address = ""

    async def run(self, started: "asyncio.Future[str] | None" = None) -> None:
        """Listen and watch; `started` receives the address "host:port" once it is bound."""
        server = await asyncio.start_server(self._serve, self._host, self._port, limit=_MOST_HEADER)
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"
        self._log.info("reporter listens", address=self.address, signer=self._service.address)
        if started is not None:
            started.set_result(self.address)
        async with server, asyncio.TaskGroup() as group:
            group.create_task(self._service.watch())
            group.create_task(server.serve_forever())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                method, path, body = await _read_request(reader)
            status, answer = await self._route(method, path, body)
        except _BadRequestError as error:
            status, answer = error.status, msgspec.json.encode({"error": str(error)})
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        writer.write(_response(status, answer))
        try:
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except ConnectionError:
            self._log.info("the relayer went away before its answer")

    async def _route(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        match (method, path):
            case ("GET", "/healthz"):
                return 200, msgspec.json.encode({"signer": self._service.address})
            case ("POST", "/reports"):
                return await self._report(body)
            case (_, "/healthz" | "/reports"):
                raise _BadRequestError(405, f"{method} is not served here")
        raise _BadRequestError(404, f"nothing at {path}")

    async def _report(self, body: bytes) -> tuple[int, bytes]:
        try:
            proposal = msgspec.json.decode(body or b"{}", type=_Proposal)
        except msgspec.DecodeError as error:
            raise _BadRequestError(400, f"not a report: {error}") from error
        try:
            answer = await self._service.answer(proposal.report)
        except AthanorError as error:
            self._log.warning("cannot answer now", error=str(error))
            return 503, msgspec.json.encode({"error": str(error)})
        if isinstance(answer, Refusal):
            self._log.warning(
                "refused",
                code=answer.code,
                subject=answer.subject,
                ours=answer.ours,
                theirs=answer.theirs,
            )
            return 409, msgspec.json.encode(answer)
        self._log.info("signed", epoch=answer.report.epoch, digest=answer.digest)
        return 200, msgspec.json.encode(answer)


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise _BadRequestError(413, "the header is too long") from error
    request, *lines = head.split("\r\n")
    parts = request.split(" ")
    if len(parts) != 3:
        raise _BadRequestError(400, "not HTTP")
    headers = {name.strip().lower(): value.strip() for name, _, value in _split(lines)}
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise _BadRequestError(400, f"content-length {length}")
    if int(length) > _MOST_BODY:
        # Reading on lets the sender finish, so that it hears the answer instead of a reset.
        await reader.readexactly(min(int(length), _MOST_DISCARDED))
        raise _BadRequestError(413, f"a body of {length} bytes")
    return parts[0], parts[1], await reader.readexactly(int(length))


def _split(lines: list[str]) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in lines if line]


def _response(status: int, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
