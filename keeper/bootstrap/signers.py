"""Builds what signs for a venue key: the key itself, or the command that holds it elsewhere."""

from collections.abc import Iterator, Mapping

from keeper.bootstrap.common import key_of
from keeper.config import LoadedConfig
from keeper.config.sections.keys import Key, Keys
from keeper.venues.dydx.external import ExternalSigner
from keeper.venues.dydx.keys import LocalSigner, SecretKey, Signer

__all__ = ["signer_of"]


def signer_of(loaded: LoadedConfig, role: str, environ: Mapping[str, str]) -> Signer:
    """Return the signer of a venue key; `ready` before it signs, `close` after.

    A command is given the environment without the variables that hold other keys' secrets.
    Raises KeyUnavailable.
    """
    keys = loaded.config.keys
    key: Key | None = getattr(keys, role)
    if key is None or not key.command or key.public_key is None or key.timeout_ms is None:
        return LocalSigner(SecretKey(key_of(loaded, role, environ)))
    secret = set(_secret_variables(keys))
    told = {name: value for name, value in environ.items() if name not in secret}
    return ExternalSigner(key.command, bytes.fromhex(key.public_key), key.timeout_ms, told)


def _secret_variables(keys: Keys) -> Iterator[str]:
    for role in type(keys).model_fields:
        key: Key | None = getattr(keys, role)
        for name in () if key is None else (key.env, key.password_env):
            if name is not None:
                yield from (name, f"{name}_FILE")
