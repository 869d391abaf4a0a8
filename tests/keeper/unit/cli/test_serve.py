"""`keeper serve` without its extra packages."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from keeper.cli.main import run
from tests.keeper.serving import config_in


def test_serve__packages_absent__says_how_to_install_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("starlette", "uvicorn") else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)

    code = run(["serve", "--config", str(config_in(tmp_path))])

    said = capsys.readouterr().err
    assert code == 3
    assert "starlette and uvicorn" in said
    assert "pip install 'athanor-keeper[web]'" in said


def test_serve__configuration_named_in_the_environment__is_the_one_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "elsewhere.toml"
    monkeypatch.setenv("KEEPER_CONFIG", str(missing))

    code = run(["serve", "--port", "0"])

    assert code == 3
    assert str(missing) in capsys.readouterr().err
