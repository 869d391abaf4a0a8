"""The wheel as a stranger gets it: no compiler, no Node, no Ape, no repository beside it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.packaging.environment import ROOT, run

IMPORTED_BY_EVERYONE = 150
"""Modules of the wheel outside the local world: fewer means that the walk below found nothing."""


def test_wheel__contents__hold_current_abis_templates_and_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        abis = sorted(path.name for path in (ROOT / "keeper" / "abi").glob("*.json"))

        assert len(abis) > 5
        for name in abis:
            packed = archive.read(f"keeper/abi/{name}")
            assert packed == (ROOT / "keeper" / "abi" / name).read_bytes()
        assert "keeper/py.typed" in names
        for template in (ROOT / "keeper" / "pages" / "templates").iterdir():
            assert f"keeper/pages/templates/{template.name}" in names
        assert not [name for name in names if name.startswith(("tests/", "contracts/"))]


def test_wheel__clean_environment__has_neither_ape_nor_web3(clean: Path) -> None:
    for module in ("ape", "web3", "pytest_cov"):
        done = subprocess.run([clean, "-c", f"import {module}"], capture_output=True, text=True)
        assert f"No module named '{module}'" in done.stderr


def test_wheel__keeper__is_the_installed_one(
    clean: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    done = run(clean, "-c", "import keeper; print(keeper.__file__)", env=outside, folder=tmp_path)

    assert ".venv-clean" in done.stdout


def test_wheel__every_product_module__imports(
    clean: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    """The local world's own commands need the repository; nothing else may."""
    script = (
        "import importlib, keeper, pkgutil\n"
        "names = [m.name for m in pkgutil.walk_packages(keeper.__path__, 'keeper.')\n"
        "         if not m.name.startswith('keeper.devnet')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names))\n"
    )

    done = run(clean, "-W", "error", "-c", script, env=outside, folder=tmp_path)

    assert int(done.stdout) > IMPORTED_BY_EVERYONE


def test_wheel__commands__work_without_node_and_terminal(
    clean: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    assert shutil.which("node", path=outside["PATH"]) is None
    keeper = clean.with_name("keeper")
    file = ROOT / "config" / "dydx-testnet.toml"

    version = run(keeper, "--version", env=outside, folder=tmp_path)
    helped = run(keeper, "--help", env=outside, folder=tmp_path)
    checked = run(keeper, "config", "check", file, "--json", env=outside, folder=tmp_path)
    tree = run(keeper, "commands", "--json", env=outside, folder=tmp_path)

    assert version.stdout.startswith("keeper, version ")
    assert "Exit codes" in helped.stdout
    assert json.loads(checked.stdout)
    assert json.loads(tree.stdout)


def test_wheel__types__are_seen_by_an_importer(
    clean: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    """PEP 561: `py.typed` travels, and the public share mathematics is typed for an importer."""
    source = tmp_path / "importer.py"
    source.write_text(
        "from keeper.accounting.ledger import Ledger\n"
        "from keeper.replay import replay\n"
        "from pathlib import Path\n"
        "reveal_type(Ledger())\n"
        "reveal_type(replay(Path('journal')).summary.state_hash)\n"
    )
    env = {**os.environ, "MYPYPATH": ""}
    env.pop("PYTHONPATH", None)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", clean]

    done = run(*command, "--no-incremental", source, env=env, folder=tmp_path)

    assert '"keeper.accounting.ledger.Ledger"' in done.stdout
    assert '"str"' in done.stdout
