"""Checks that the keys of a live run can be read; what they are is derived, never shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keeper.chain.signing import account_from_key
from keeper.config import LoadedConfig
from keeper.config.secrets import KeyUnavailable, private_key_of, read_key
from keeper.doctor.rows import Finding, Probe, fail, ok, skip
from keeper.doctor.site import Site
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of

__all__ = ["keeper_address", "key_probes", "venue_public_key"]


def keeper_address(loaded: LoadedConfig, environ: Mapping[str, str]) -> str:
    """Return the address of the hot EVM key. Raises KeyUnavailable."""
    return str(account_from_key(_key(loaded, "keeper", environ)).address)


def venue_public_key(loaded: LoadedConfig, environ: Mapping[str, str]) -> bytes:
    """Return the public key of the hot venue key (33 bytes). Raises KeyUnavailable."""
    key = loaded.config.keys.venue
    if key is not None and key.command and key.public_key is not None:
        return bytes.fromhex(key.public_key)
    return LocalSigner(SecretKey(_key(loaded, "venue", environ))).public_key


def _key(loaded: LoadedConfig, role: str, environ: Mapping[str, str]) -> bytes:
    source = getattr(loaded.config.keys, role)
    secret = read_key(source, role, environ=environ, folder=loaded.file.parent)
    return private_key_of(secret, role)


@dataclass(frozen=True, slots=True)
class _Keys:
    site: Site

    async def readable(self) -> Sequence[Finding]:
        if self.site.config.mode == "shadow":
            return [skip("a shadow run reads no key")]
        if not self.site.is_keeper:
            return [skip("this configuration runs no keeper")]
        return [self._evm(), self._venue()]

    def _evm(self) -> Finding:
        try:
            return ok(keeper_address(self.site.loaded, self.site.environ), "keeper")
        except KeyUnavailable as error:
            return fail(str(error), error.next_step, "keeper")

    def _venue(self) -> Finding:
        try:
            public_key = venue_public_key(self.site.loaded, self.site.environ)
        except KeyUnavailable as error:
            return fail(str(error), error.next_step, "venue")
        return ok(address_of(public_key), "venue")


def key_probes(site: Site) -> list[Probe]:
    """Return the check of the hot keys."""
    return [Probe("keys.readable", _Keys(site).readable)]
