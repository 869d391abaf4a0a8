"""Break the contracts on purpose, one line at a time, and demand that the named test notices.

Each `tests/twins/*.patch` begins with `# test: <node id>` and `# compile: <sources>`. It is applied
to a temporary copy of the repository, the named sources are compiled there, and the test must fail:
not pass, and not end in an error of another kind. Give names (without `.patch`) to run only those.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TWINS = ROOT / "tests" / "twins"
COPIED = ("contracts", "keeper", "tests", "scripts", "ape-config.yaml", "pyproject.toml", ".build")
LINKED = ("node_modules", ".venv")
FAILED = re.compile(r"^\d+ failed(, \d+ passed)?", re.MULTILINE)


def main(names: list[str]) -> int:
    patches = sorted(TWINS.glob("*.patch"))
    chosen = [patch for patch in patches if not names or patch.stem in names]
    if not chosen:
        print("no such twin", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="twins-") as folder:
        copy = Path(folder) / "athanor"
        make_copy(copy)
        verdicts = [(patch.stem, caught(patch, copy)) for patch in chosen]
    survivors = [name for name, noticed in verdicts if not noticed]
    print(f"{len(verdicts) - len(survivors)} of {len(verdicts)} twins caught")
    return 1 if survivors else 0


def make_copy(copy: Path) -> None:
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "forge")
            shutil.copytree(source, copy / name, ignore=ignored)
        else:
            shutil.copy2(source, copy / name)
    for name in LINKED:
        (copy / name).symlink_to(ROOT / name)


def caught(patch: Path, copy: Path) -> bool:
    """Apply one patch, run its test, take the patch back; say whether the test failed."""
    header = dict(re.findall(r"^# (\w+): (.+)$", patch.read_text(), re.MULTILINE))
    run(["patch", "-p1", "-s", "-i", str(patch)], copy)
    try:
        run(shell(f"ape compile --force {header['compile']}"), copy)
        output = subprocess.run(
            shell(f"ape test '{header['test']}' --tb=line -p no:randomly"),
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    finally:
        run(["patch", "-p1", "-s", "-R", "-i", str(patch)], copy)
    noticed = FAILED.search(output) is not None
    print(f"{'caught' if noticed else 'SURVIVED'}: {patch.stem}", flush=True)
    if not noticed:
        print(output[-2_000:], file=sys.stderr)
    return noticed


def shell(command: str) -> list[str]:
    return ["bash", "-c", f". scripts/toolchain/env.sh && FUZZ_SEEDS=1 {command}"]


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
