"""Which Python the clean environment is made with."""

from pathlib import Path

import pytest

from tests.packaging.environment import ROOT, run

SCRIPT = ROOT / "scripts" / "newest_python.sh"
NEWEST = "python3.13"


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    """A folder first on the path, before the system's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def offer(folder: Path, code: int) -> Path:
    """Offer the newest Python, which ends with `code` whatever it is asked."""
    python = folder / NEWEST
    python.write_text(f"#!/bin/sh\nexit {code}\n")
    python.chmod(0o755)
    return python


def chosen(offered: Path) -> Path:
    env = {"PATH": f"{offered}:/usr/bin:/bin"}
    return Path(run("bash", SCRIPT, env=env, folder=offered).stdout.strip())


def test_newest_python__one_on_the_path__is_chosen(offered: Path) -> None:
    python = offer(offered, 0)

    assert chosen(offered) == python


def test_newest_python__name_that_starts_nothing__is_passed_over(offered: Path) -> None:
    """What pyenv puts on the path for every version it has, chosen or not, is such a name."""
    offer(offered, 127)

    found = chosen(offered)

    assert found.parent != offered
    run(found, "-c", "import venv", env={}, folder=offered)


def test_newest_python__pyenv_alone_has_it__is_chosen(offered: Path, tmp_path: Path) -> None:
    (tmp_path / "version" / "bin").mkdir(parents=True)
    python = offer(tmp_path / "version" / "bin", 0)
    python.rename(python.with_name("python"))
    pyenv = offered / "pyenv"
    pyenv.write_text(f'#!/bin/sh\ntest "$1 $2" = "prefix 3.13" && echo {tmp_path / "version"}\n')
    pyenv.chmod(0o755)

    assert chosen(offered) == tmp_path / "version" / "bin" / "python"
