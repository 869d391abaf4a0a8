"""Break the contracts on purpose, one line at a time, and demand that the named test notices.

Each `tests/twins/*.patch` says in its first line what breaks, then `# test: <node id>`,
`# compile: <sources>` and, where a law on forge breaks as well, `# law: <its id>`. It is applied to
a temporary copy of the repository, the named sources are compiled there, and the test must fail:
not pass, and not end in an error of another kind. So must the sequences on forge, by that law.

Without names every twin runs. Each verdict is written at once to the table docs/twins.md, beside
those that still stand: of the same patch, patched files and test. `--stale` runs those of which
none stands. `--due` runs six fixed ones and those of which a verdict stands no more, as their files
changed; it writes nothing.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

WRITING = Lock()
ROOT = Path(__file__).resolve().parent.parent
TWINS = ROOT / "tests" / "twins"
TABLE = ROOT / "docs" / "twins.md"
COPIED = (
    *("contracts", "keeper", "tests", "scripts", ".build"),
    *("ape-config.yaml", "pyproject.toml", "foundry.toml"),
)
BUILD = Path(".build") / "__local__.json"
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
LAWS = "tests/forge"
SEQUENCES = (
    "FUZZ_SEEDS=3 FOUNDRY_PROFILE=laws forge test --match-contract Sequences"
    " --match-test 6_decimals"
)
FIELD = re.compile(r"^# (\w+): (.+)$", re.MULTILINE)
PATCHED = re.compile(r"^\+\+\+ b/(\S+)$", re.MULTILINE)
ROW = re.compile(r"^\| `([\w-]+)` \|.*\| (yes|NO) \| ([\d-]+) \| `(\w+)` \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Twin:
    """One broken contract: what breaks, which test notices, which sources have to be compiled.

    `law` is the id of the law that sequences on forge have to find broken; empty where none is.
    """

    patch: Path
    sentence: str
    test: str
    law: str
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
        sources = [ROOT / file for file in files]
        sources += sorted((ROOT / LAWS).glob("*.sol")) if "law" in header else []
        digest = hashlib.sha256(text.encode())
        for source in sources:
            digest.update(source.read_bytes())
        return cls(
            patch=patch,
            sentence=text.splitlines()[0].removeprefix("# "),
            test=header["test"],
            law=header.get("law", ""),
            sources=header["compile"],
            fingerprint=digest.hexdigest()[:12],
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the test noticed, on which day, and of which state of the files that was."""

    caught: bool
    date: str
    fingerprint: str


UNSEEN = Verdict(caught=False, date="", fingerprint="")


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    twins = [Twin.read(patch) for patch in sorted(TWINS.glob("*.patch"))]
    chosen = _chosen(twins, options)
    if not chosen:
        print("no such twin: their names are those of tests/twins/*.patch", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(options.jobs) as workers:
        shares = [chosen[number :: options.jobs] for number in range(options.jobs)]
        counts = workers.map(lambda share: _run_share(share, twins, options.due), shares)
        caught = sum(counts)
    print(f"{caught} of {len(chosen)} twins caught")
    return 0 if caught == len(chosen) else 1


def _run_share(share: Sequence[Twin], twins: Sequence[Twin], quiet: bool) -> int:
    """Run some of the twins one after the other in a copy of their own; how many were caught."""
    caught = 0
    with tempfile.TemporaryDirectory(prefix="twins-") as folder:
        copy = Path(folder) / "athanor"
        _make_copy(copy)
        for twin in share:
            noticed = _caught(twin, copy)
            caught += noticed
            if not quiet:
                _write_down(twin, noticed, twins)
    return caught


def _write_down(twin: Twin, noticed: bool, twins: Sequence[Twin]) -> None:
    verdict = Verdict(noticed, f"{datetime.now(UTC):%Y-%m-%d}", twin.fingerprint)
    with WRITING:
        TABLE.write_text(_table(twins, _standing(twins) | {twin.name: verdict}))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="patches to run, without .patch")
    parser.add_argument("--stale", action="store_true", help="those without a standing verdict")
    parser.add_argument(
        "--due", action="store_true", help="six fixed ones and what changed; no table"
    )
    parser.add_argument("--jobs", type=int, default=1, help="at the same time, each in a copy")
    return parser.parse_args(arguments)


def _chosen(twins: Sequence[Twin], options: argparse.Namespace) -> list[Twin]:
    if options.names:
        return [twin for twin in twins if twin.name in options.names]
    if not options.due and not options.stale:
        return list(twins)
    standing = _standing(twins)
    if options.stale:
        return [twin for twin in twins if not standing.get(twin.name, UNSEEN).caught]
    changed = _told().keys() - standing.keys()
    return [twin for twin in twins if twin.name in FIXED or twin.name in changed]


def _standing(twins: Iterable[Twin]) -> dict[str, Verdict]:
    """What the table says of twins whose patch, patched files and test are what they were then."""
    told = _told()
    return {
        twin.name: told[twin.name]
        for twin in twins
        if twin.name in told and told[twin.name].fingerprint == twin.fingerprint
    }


def _told() -> dict[str, Verdict]:
    """Every verdict in the table."""
    rows = ROW.findall(TABLE.read_text()) if TABLE.exists() else []
    return {name: Verdict(word == "yes", date, print_) for name, word, date, print_ in rows}


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
    """Apply one patch, run its test, take the patch back; say whether the test failed.

    What the twin before it compiled is replaced first, or its fault would stay in the build.
    """
    shutil.copy2(ROOT / BUILD, copy / BUILD)
    _run(["git", "apply", str(twin.patch)], copy)
    try:
        _run(_shell(f"ape compile --force {twin.sources}"), copy)
        return _noticed(twin, copy)
    finally:
        _run(["git", "apply", "--reverse", str(twin.patch)], copy)


def _noticed(twin: Twin, copy: Path) -> bool:
    """Whether the test failed, and the law where one is named; says what did not."""
    commands = [(f"ape test '{twin.test}' --tb=line -p no:randomly", FAILED)]
    if twin.law:
        broken = re.compile(rf"^\[FAIL: {twin.law}", re.MULTILINE)
        commands.append((SEQUENCES, broken))
    for command, expected in commands:
        output = _output(command, copy)
        if not expected.search(output):
            print(f"SURVIVED: {twin.name}: {command}", flush=True)
            print(output[-2_000:], file=sys.stderr)
            return False
    print(f"caught: {twin.name}", flush=True)
    return True


def _output(command: str, copy: Path) -> str:
    return subprocess.run(
        _shell(command), cwd=copy, capture_output=True, text=True, check=False
    ).stdout


def _table(twins: Sequence[Twin], verdicts: dict[str, Verdict]) -> str:
    caught = sum(verdict.caught for verdict in verdicts.values())
    lines = [
        "# Twins",
        "",
        "Each is the contracts with one thing broken, which the named test has to notice.",
        "`make twins` runs all of them; every verdict is written here with its day.",
        "A verdict stands while patch, patched files and test are what the last column stands for.",
        "`make duetwins`, a part of `make test`, runs six fixed ones and those that changed since.",
        "",
        f"{caught} of {len(twins)} caught; a twin without a row has not been run.",
        "",
        "| twin | what is broken | test that notices | law on forge | caught | on | of |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(twin, verdicts[twin.name]) for twin in twins if twin.name in verdicts]
    return "\n".join(lines) + "\n"


def _row(twin: Twin, verdict: Verdict) -> str:
    test = twin.test.rsplit("::", maxsplit=1)[-1]
    word = "yes" if verdict.caught else "NO"
    return (
        f"| `{twin.name}` | {twin.sentence} | `{test}` | {twin.law} "
        f"| {word} | {verdict.date} | `{verdict.fingerprint}` |"
    )


def _shell(command: str) -> list[str]:
    return ["bash", "-c", f". scripts/toolchain/env.sh && FUZZ_SEEDS=1 {command}"]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
