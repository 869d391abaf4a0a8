"""Break the contracts on purpose, one line at a time, and demand that the named test notices.

Each `tests/twins/*.patch` says in its first line what breaks, then `# test: <node id>` and
`# compile: <sources>`. It is applied to a temporary copy of the repository, the named sources are
compiled there, and the test must fail: not pass, and not end in an error of another kind.

Without names every twin runs and the table docs/twins.md is written anew. `--due` runs six fixed
ones, and those of which patch, patched file or test changed since the table was written.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TWINS = ROOT / "tests" / "twins"
TABLE = ROOT / "docs" / "twins.md"
COPIED = (
    *("contracts", "keeper", "tests", "scripts", ".build"),
    *("ape-config.yaml", "pyproject.toml", "foundry.toml"),
)
LINKED = ("node_modules", ".venv")
FIXED = (
    "gate-large-loss-settles",
    "pool-payment-after-fill",
    "reporter-signer-counts-twice",
    "reporter-transit-is-loss",
    "settlement-newcomers-at-accepted",
    "timelock-ignores-unpaid-redemptions",
)
FAILED = re.compile(r"^\d+ failed(, \d+ passed)?", re.MULTILINE)
BROKEN_LAW = re.compile(r"^\[FAIL: V-\d\d", re.MULTILINE)
FIELD = re.compile(r"^# (\w+): (.+)$", re.MULTILINE)
PATCHED = re.compile(r"^\+\+\+ b/(\S+)$", re.MULTILINE)
ROW = re.compile(r"^\| `([\w-]+)` \|.*\| (yes|NO) \| `(\w+)` \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Twin:
    """One broken contract: what breaks, which test notices, which sources have to be compiled."""

    patch: Path
    sentence: str
    test: str
    sources: str
    fingerprint: str

    @property
    def name(self) -> str:
        return self.patch.stem

    @classmethod
    def read(cls, patch: Path) -> "Twin":
        text = patch.read_text()
        header = dict(FIELD.findall(text))
        files = [*PATCHED.findall(text), header["test"].split("::")[0]]
        digest = hashlib.sha256(text.encode())
        for file in files:
            digest.update((ROOT / file).read_bytes())
        return cls(
            patch=patch,
            sentence=text.splitlines()[0].removeprefix("# "),
            test=header["test"],
            sources=header["compile"],
            fingerprint=digest.hexdigest()[:12],
        )


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    twins = [Twin.read(patch) for patch in sorted(TWINS.glob("*.patch"))]
    chosen = _chosen(twins, options)
    if not chosen:
        print("no such twin: their names are those of tests/twins/*.patch", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="twins-") as folder:
        copy = Path(folder) / "athanor"
        _make_copy(copy)
        verdicts = {twin.name: _caught(twin, copy) for twin in chosen}
    if len(chosen) == len(twins):
        TABLE.write_text(_table(twins, verdicts))
    print(f"{sum(verdicts.values())} of {len(verdicts)} twins caught")
    return 0 if all(verdicts.values()) else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="patches to run, without .patch")
    parser.add_argument("--due", action="store_true", help="six fixed ones and what changed")
    return parser.parse_args(arguments)


def _chosen(twins: Iterable[Twin], options: argparse.Namespace) -> list[Twin]:
    if options.names:
        return [twin for twin in twins if twin.name in options.names]
    if not options.due:
        return list(twins)
    seen = _seen_caught()
    return [
        twin
        for twin in twins
        if twin.name in FIXED or (TABLE.exists() and seen.get(twin.name) != twin.fingerprint)
    ]


def _seen_caught() -> dict[str, str]:
    """What the table says: the fingerprint that each caught twin had then."""
    rows = ROW.findall(TABLE.read_text()) if TABLE.exists() else []
    return {name: fingerprint for name, verdict, fingerprint in rows if verdict == "yes"}


def _make_copy(copy: Path) -> None:
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            outputs = ("forge", "laws") if name == ".build" else ()
            ignored = shutil.ignore_patterns("__pycache__", *outputs)
            shutil.copytree(source, copy / name, ignore=ignored)
        else:
            shutil.copy2(source, copy / name)
    for name in LINKED:
        (copy / name).symlink_to(ROOT / name)


def _caught(twin: Twin, copy: Path) -> bool:
    """Apply one patch, run its test, take the patch back; say whether the test failed."""
    _run(["git", "apply", str(twin.patch)], copy)
    try:
        _run(_shell(f"ape compile --force {twin.sources}"), copy)
        output = subprocess.run(
            _shell(_command(twin)),
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    finally:
        _run(["git", "apply", "--reverse", str(twin.patch)], copy)
    noticed = (BROKEN_LAW if _is_law(twin) else FAILED).search(output) is not None
    print(f"{'caught' if noticed else 'SURVIVED'}: {twin.name}", flush=True)
    if not noticed:
        print(output[-2_000:], file=sys.stderr)
    return noticed


def _is_law(twin: Twin) -> bool:
    return twin.test.startswith("tests/forge/")


def _command(twin: Twin) -> str:
    if _is_law(twin):
        name = twin.test.split("::")[1]
        return f"FUZZ_SEEDS=3 FOUNDRY_PROFILE=laws forge test --match-test '{name}'"
    return f"ape test '{twin.test}' --tb=line -p no:randomly"


def _table(twins: list[Twin], verdicts: dict[str, bool]) -> str:
    lines = [
        "# Twins",
        "",
        "Each is the contracts with one thing broken, which the named test has to notice.",
        "`make twins` runs all of them and writes this page.",
        "`make duetwins`, a part of `make test`, runs six fixed ones, and those of which patch,",
        "patched file or test is no longer what the last column stands for.",
        "",
        f"Run of {datetime.now(UTC):%Y-%m-%d}: {sum(verdicts.values())} of {len(twins)} caught.",
        "",
        "| twin | what is broken | test that notices | caught | of |",
        "|---|---|---|---|---|",
    ]
    for twin in twins:
        test = twin.test.rsplit("::", maxsplit=1)[-1]
        verdict = "yes" if verdicts[twin.name] else "NO"
        lines.append(
            f"| `{twin.name}` | {twin.sentence} | `{test}` | {verdict} | `{twin.fingerprint}` |"
        )
    return "\n".join(lines) + "\n"


def _shell(command: str) -> list[str]:
    return ["bash", "-c", f". scripts/toolchain/env.sh && FUZZ_SEEDS=1 {command}"]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
