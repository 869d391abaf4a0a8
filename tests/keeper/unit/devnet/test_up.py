"""What `keeper devnet up` leaves for the person who tries things in its world."""

import stat
import subprocess
from pathlib import Path

from keeper.config.template import KEY_VARIABLES
from keeper.devnet.identities import evm_identities
from keeper.devnet.up import write_keys


def test_write_keys__sourced_by_a_shell__sets_every_variable_the_configuration_names(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keys.env"

    write_keys(file)

    shown = subprocess.run(
        ["sh", "-c", f". {file} && env"], capture_output=True, text=True, check=True, env={}
    ).stdout
    found = dict(line.split("=", 1) for line in shown.splitlines())
    assert set(KEY_VARIABLES.values()) <= set(found)
    assert found["KEEPER_HOT_KEY"] == evm_identities()["keeper"].key
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
