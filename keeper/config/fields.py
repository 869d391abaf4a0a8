"""The field types configuration is made of: addresses, URLs, names of variables, amounts."""

import re
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from keeper.config.checksum import checksum_address

__all__ = [
    "Bps",
    "DydxAddress",
    "EnvName",
    "EvmAddress",
    "GrpcEndpoint",
    "Milliseconds",
    "PPM",
    "NonNegative",
    "Positive",
    "Ppm",
    "PublicKeyHex",
    "Section",
    "Url",
    "WebsocketUrl",
    "described",
]

PPM: Final = 1_000_000
ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
SECRET_LOOK: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}|(\S+ ){11,23}\S+")


class Section(BaseModel):
    """A frozen part of the configuration that refuses keys it does not know."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        defer_build=True,  # the root builds all of it once: half the start-up time
    )


def _dydx_address(value: str) -> str:
    from bech32 import bech32_decode, convertbits

    prefix, data = bech32_decode(value)
    if prefix != "dydx" or data is None:
        raise ValueError("a dYdX address is bech32 and starts with dydx1")
    if len(convertbits(data, 5, 8, False) or ()) != 20:
        raise ValueError("a dYdX account address holds 20 bytes")
    return value


def _url(value: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"a URL starting with {' or '.join(s + '://' for s in schemes)}")
    if parts.username or parts.password:
        raise ValueError("no password in a URL here; set KEEPER__EVM__RPC_URL in the environment")
    return value.rstrip("/")


def _http_url(value: str) -> str:
    return _url(value, ("http", "https"))


def _websocket_url(value: str) -> str:
    return _url(value, ("ws", "wss"))


def _env_name(value: str) -> str:
    if SECRET_LOOK.fullmatch(value):
        raise ValueError(
            "this looks like a secret; write the NAME of the environment variable that holds it, "
            "and consider this secret leaked if the file was shared"
        )
    if not ENV_NAME.fullmatch(value):
        raise ValueError("the name of an environment variable: letters, digits and _")
    return value


GrpcEndpoint = Annotated[str, Field(pattern=r"^[^/\s]+:\d{1,5}$")]
EvmAddress = Annotated[str, AfterValidator(checksum_address)]
DydxAddress = Annotated[str, AfterValidator(_dydx_address)]
Url = Annotated[str, AfterValidator(_http_url)]
WebsocketUrl = Annotated[str, AfterValidator(_websocket_url)]
PublicKeyHex = Annotated[str, Field(pattern=r"^0[23][0-9a-f]{64}$")]
EnvName = Annotated[str, AfterValidator(_env_name)]
Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
Milliseconds = Annotated[int, Field(gt=0)]
Ppm = Annotated[int, Field(ge=0, le=PPM)]
Bps = Annotated[int, Field(ge=0, le=10_000)]


def described(text: str, default: Any = ..., **constraints: Any) -> Any:
    """Return a pydantic field with its mandatory description (which names the unit)."""
    return Field(default, description=text, **constraints)
