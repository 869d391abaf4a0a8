"""The wheel, and the environment that it is installed in alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.environment import PYTHON, ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def clean(wheel: Path) -> Path:
    """The interpreter of the clean environment, with this very wheel in it."""
    if not PYTHON.exists():
        pytest.skip(f"no clean environment at {PYTHON} (run scripts/clean_env.sh)")
    install = [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", wheel]
    subprocess.run(install, check=True, capture_output=True, text=True)
    return PYTHON


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """An environment that knows neither the repository nor its tools, nor Node."""
    return {"PATH": str(PYTHON.parent), "HOME": str(tmp_path)}
