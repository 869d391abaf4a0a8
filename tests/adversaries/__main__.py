"""Writes docs/adversaries.md: `python -m tests.adversaries`."""

from pathlib import Path

from tests.adversaries.table import page

ROOT = Path(__file__).resolve().parents[2]


if __name__ == "__main__":
    (ROOT / "docs" / "adversaries.md").write_text(page(), encoding="utf-8")
