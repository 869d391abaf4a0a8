"""Where the wheel is installed alone, and how something is run there."""

import subprocess
from pathlib import Path

__all__ = ["PYTHON", "ROOT", "run"]

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-clean" / "bin" / "python"


def run(
    *command: object, env: dict[str, str], folder: Path, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with this environment alone; fail unless it ends with `code`."""
    words = [str(word) for word in command]
    done = subprocess.run(words, env=env, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done
