"""Reads Ape's provider settings once: it validates all of its configuration at every look at them.

An RPC call looks several times, and closing a session with every provider it knows; that was a
fifth of these suites' time (Ape 0.8, `ProviderAPI.settings`).
"""

from typing import Any

from ape.api.providers import ProviderAPI

__all__ = ["read_settings_once"]


def read_settings_once() -> None:
    """Have each provider remember its settings for as long as what they are made of is the same."""
    read = ProviderAPI.settings.fget
    known: dict[int, tuple[ProviderAPI, str, Any]] = {}

    def remembered(provider: ProviderAPI) -> Any:
        made_of = repr(provider.provider_settings)
        found = known.get(id(provider))
        if found is None or found[0] is not provider or found[1] != made_of:
            found = known[id(provider)] = (provider, made_of, read(provider))
        return found[2]

    ProviderAPI.settings = property(remembered)
