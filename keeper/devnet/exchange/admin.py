"""Owns the administration port: oracle, blocks, markets, faults, the bridge, the state."""

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxBody, TxRaw

from .addresses import BRIDGE, is_address
from .chain import Chain
from .dump import state_dump
from .faultdesk import FaultDesk
from .model import MarketStatus
from .pace import Pace
from .txindex import TxRecord

__all__ = ["admin_app", "withdrawals"]

MakeBlock = Callable[[int | None], int]  # block time in ns, or None for the clock's; height


class AdminApi:
    """Handlers over one chain."""

    def __init__(self, chain: Chain, make_block: MakeBlock, desk: FaultDesk, pace: Pace) -> None:
        self._chain = chain
        self._pace = pace
        self._make_block = make_block
        self._desk = desk

    def _market(self, ticker: str) -> int:
        market = self._chain.config.ticker(ticker)
        if market is None:
            raise ValueError(f"no market {ticker}")
        return market.id

    async def oracle(self, request: Request) -> Response:
        """Set the next block's oracle price: {market, price}, an integer in its exponent."""
        body = await request.json()
        self._chain.set_oracle(self._market(body["market"]), _integer(body["price"]))
        return JSONResponse({"effective_height": self._chain.height + 1})

    async def market(self, request: Request) -> Response:
        """Set a market's parameters from the next block: {market, status, ...}, integers but for
        the status, which is named."""
        body = await request.json()
        market_id = self._market(body.pop("market"))
        changes = {name: _integer(value) for name, value in body.items() if name != "status"}
        if "status" in body:
            changes["status"] = MarketStatus[body["status"]]
        if not changes:
            raise ValueError("a status or a parameter is needed")
        self._chain.set_parameters(market_id, changes)
        return JSONResponse({"effective_height": self._chain.height + 1})

    async def block(self, request: Request) -> Response:
        """Make blocks now: {count = 1, time_ns = the clock's} -> {height, time_ns}."""
        body = await request.json() if await request.body() else {}
        count = _integer(body.get("count", 1))
        time_ns = body.get("time_ns")
        if count < 1 or (count > 1 and time_ns is not None):
            raise ValueError("count must be positive, and 1 where a time is given")
        for _ in range(count):
            height = self._make_block(None if time_ns is None else _integer(time_ns))
        return JSONResponse({"height": height, "time_ns": self._chain.block.time_ns})

    async def faults(self, request: Request) -> Response:
        """List, set or clear faults: GET; POST {name, ...}; DELETE, of one by ?name=."""
        if request.method == "POST":
            return JSONResponse(await self._desk.set(await request.json()))
        if request.method == "DELETE":
            return JSONResponse(self._desk.clear(request.query_params.get("name", "")))
        return JSONResponse(self._desk.listed())

    async def pace(self, request: Request) -> Response:
        """How late blocks are: GET; DELETE forgets those so far."""
        summary = self._pace.summary()
        if request.method == "DELETE":
            self._pace.clear()
        return JSONResponse(summary)

    async def state(self, _: Request) -> Response:
        """The committed state in integers."""
        return JSONResponse(state_dump(self._chain))

    async def bridge_account(self, _: Request) -> Response:
        """Address of the bridge module account."""
        return JSONResponse({"address": BRIDGE})

    async def credit(self, request: Request) -> Response:
        """Send bridged USDC to a wallet in the next block: {recipient, amount, memo}, once a memo.

        Answers {txhash, new}.
        """
        body = await request.json()
        recipient, memo, amount = body["recipient"], body["memo"], _integer(body["amount"])
        if not is_address(recipient) or not memo or amount <= 0:
            raise ValueError("recipient, memo and a positive amount are needed")
        digest, is_new = self._chain.credit(recipient, amount, memo)
        return JSONResponse({"txhash": digest, "new": is_new})

    async def withdrawals(self, request: Request) -> Response:
        """Sends to the bridge account with an id above `after`, oldest first."""
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise ValueError("after must be a non-negative integer")
        return JSONResponse({"withdrawals": withdrawals(self._chain, int(after))})


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{value!r} is not an integer")
    return int(value)


def _sends(record: TxRecord) -> list[MsgSend]:
    body = TxBody.FromString(TxRaw.FromString(record.raw).body_bytes)
    url = "/" + MsgSend.DESCRIPTOR.full_name
    sends = [MsgSend.FromString(m.value) for m in body.messages if m.type_url == url]
    return [send for send in sends if send.to_address == BRIDGE]


def withdrawals(chain: Chain, after: int) -> list[dict[str, Any]]:
    """Return sends to the bridge account numbered from 1 in order; those above `after`."""
    shapes: list[dict[str, Any]] = []
    records = chain.index.search(f"transfer.recipient='{BRIDGE}'")
    for record in records:
        if record.result.code:
            continue
        for send in _sends(record):
            shapes.append(
                {
                    "id": len(shapes) + 1,
                    "height": record.height,
                    "sender": send.from_address,
                    "amount": int(send.amount[0].amount),
                    "memo": record.memo,
                    "txhash": record.hash,
                }
            )
    return shapes[after:]


def _refused(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)


def admin_app(chain: Chain, make_block: MakeBlock, desk: FaultDesk, pace: Pace) -> Starlette:
    """Return the administration application."""
    api = AdminApi(chain, make_block, desk, pace)
    return Starlette(
        routes=[
            Route("/admin/oracle", api.oracle, methods=["POST"]),
            Route("/admin/market", api.market, methods=["POST"]),
            Route("/admin/block", api.block, methods=["POST"]),
            Route("/admin/faults", api.faults, methods=["GET", "POST", "DELETE"]),
            Route("/admin/pace", api.pace, methods=["GET", "DELETE"]),
            Route("/admin/state", api.state),
            Route("/admin/bridge/account", api.bridge_account),
            Route("/admin/bridge/credit", api.credit, methods=["POST"]),
            Route("/admin/bridge/withdrawals", api.withdrawals),
        ],
        exception_handlers={ValueError: _refused, KeyError: _refused},
    )
