"""What a vault of the factory needs before anybody but its keeper may come in, or instead of it."""

from typing import Any, Final

from ape import project

__all__ = ["ask_for_no_stake"]

WEEK: Final = 604_800
NOTHING: Final = b"\0" * 32


def ask_for_no_stake(chain: Any, vault: Any, owner: Any) -> None:
    """Let the owner lower the stake to nothing, as it may: through its timelock, after a week.

    Tests of what has nothing to do with the stake then count their depositors' money alone.
    """
    mandate = project.Mandate.at(vault.mandate())
    timelock = project.VaultTimelock.at(vault.owner())
    *limits, _least = mandate.limits()
    data = mandate.setLimits.encode_input((*limits, 0))
    call = (mandate.address, 0, data, NOTHING, NOTHING)
    timelock.schedule(*call, timelock.getMinDelay(), sender=owner)
    chain.mine(deltatime=WEEK)
    timelock.execute(*call, sender=owner)
