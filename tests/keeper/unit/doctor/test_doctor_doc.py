"""docs/doctor.md lists every check by its id, and no other."""

import re
from pathlib import Path

from keeper.bootstrap.doctor import open_site, probes_of
from keeper.config import parse_config
from keeper.doctor.machine import ThisMachine

DOC = Path(__file__).resolve().parents[4] / "docs" / "doctor.md"


def test_doctor_doc__ids__are_those_of_the_probes(config_text: str, tmp_path: Path) -> None:
    loaded = parse_config(config_text, tmp_path / "keeper.toml", environ={})
    ids = {probe.id for probe in probes_of(open_site(loaded, {}), ThisMachine())}

    rows = [line for line in DOC.read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z_.]+)`", row.split("|")[1])}

    assert named == ids
