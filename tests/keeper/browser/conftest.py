"""A real browser: Chromium from the npm package that ships one, or the machine's own."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

ROOT = Path(__file__).resolve().parents[3]
UNPACK = """
import chromium from '@sparticuz/chromium';
const path = await chromium.executablePath();
console.log(JSON.stringify({ path, libraries: process.env.LD_LIBRARY_PATH ?? '' }));
"""
SOFTWARE_ONLY = ["--no-sandbox", "--disable-gpu"]


def find_chromium() -> dict[str, Any] | None:
    """Launch options of a Chromium on this machine; None without one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return {"executable_path": path, "args": ["--no-sandbox"]}
    if not (ROOT / "node_modules" / "@sparticuz" / "chromium").is_dir():
        return None
    # It brings the system libraries Chromium needs along when it believes to be on Lambda.
    environment = {**os.environ, "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
    command = ["node", "--input-type=module", "--eval", UNPACK]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    found = json.loads(done.stdout)
    libraries = {**os.environ, "LD_LIBRARY_PATH": found["libraries"]}
    return {
        "executable_path": found["path"],
        "args": ["--headless=shell", *SOFTWARE_ONLY],
        "env": libraries,
    }


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this folder and no longer: while it runs, no other event loop can."""
    options = find_chromium()
    if options is None:
        pytest.skip("no Chromium: `make install` brings one, or `apt-get install chromium`")
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(**options)
        except Error as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"Chromium does not start here: {error.message.splitlines()[0]}")
        yield launched
        launched.close()
