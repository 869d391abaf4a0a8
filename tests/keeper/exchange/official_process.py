"""Runs a script in the official client's own environment against an exchange of this process."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from keeper.devnet.exchange import Exchange
from tests.keeper.exchange.wallets import Trader

__all__ = ["PYTHON", "answers_of"]

PYTHON: Final = Path(__file__).resolve().parents[3] / ".venv-dydx-client" / "bin" / "python"


async def answers_of(
    script: Path, exchange: Exchange, trader: Trader, hot: Trader, timeout_seconds: float
) -> dict[str, Any]:
    """What the script prints last, as JSON. Raises AssertionError with what it said on failure."""
    process = await asyncio.create_subprocess_exec(
        PYTHON,
        script,
        json.dumps(asdict(exchange.ports)),
        trader.key.to_hex(),
        hot.key.to_hex(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), timeout_seconds)
    assert process.returncode == 0, err.decode()
    answers: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return answers
