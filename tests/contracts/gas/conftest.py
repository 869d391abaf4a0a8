"""The node that measures does not keep every step it takes: a crowd's would fill the memory."""

from ape_foundry.provider import FoundryProvider

from tests.contracts.gas.meter import FOLDER

STEPS = "--steps-tracing"
"""For return values and messages of reverts; what gas needs is traced without."""


def pytest_configure() -> None:
    """Before Ape starts its node."""
    if FOLDER is None:
        return
    build = FoundryProvider.build_command

    def build_light(self: FoundryProvider) -> list[str]:
        return [part for part in build(self) if part != STEPS]

    FoundryProvider.build_command = build_light
