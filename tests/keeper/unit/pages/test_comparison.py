"""The page of rules on a tape: self-contained, every run in it, exact, escaped."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from keeper.pages.comparison import render_comparison, write_comparison
from keeper.pages.comparison_data import Comparison
from tests.keeper.compared import sample_comparison


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return sample_comparison(tmp_path_factory.mktemp("tape"))


@pytest.fixture(scope="module")
def page(data: Comparison) -> str:
    return render_comparison(data)


def test_render_comparison__page__loads_nothing_from_anywhere(page: str) -> None:
    body = page.replace('http-equiv="Content-Security-Policy"', "")
    body = body.replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"(?:src=|url\(|@import)", body)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', body))
    assert "http" not in body
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert not re.search(r"\sstyle=|\son[a-z]+=", page.replace(scripts[0], ""))


def test_render_comparison__every_run__a_row_linked_to_its_part(
    page: str, data: Comparison
) -> None:
    for run in (*data.rules, *data.overlays):
        assert f'href="#{run.name}">{run.title}</a>' in page
        assert page.count(f' id="{run.name}"') == 1


def test_render_comparison__figures__stand_beside_the_fill_models_name(
    page: str, data: Comparison
) -> None:
    (table,) = re.findall(r"<caption>Fills: conservative\. Spread.*?</table>", page, re.DOTALL)
    fixed = data.rules[0].score

    assert f'<td class="n">{len(fixed.fills):,}</td>' in table
    cents = abs(fixed.profit_net) // 10_000
    assert f"{'-' if fixed.profit_net < 0 else '+'}{cents // 100:,}.{cents % 100:02}" in table


def test_render_comparison__charts__three_a_run_and_those_of_all(
    page: str, data: Comparison
) -> None:
    runs = len(data.rules) + len(data.overlays)

    assert page.count('<figure class="chart') == 3 * runs + 2 + 2


def test_render_comparison__refusals__named_with_their_share_of_time(data: Comparison) -> None:
    first = data.rules[0]
    half = first.score.observed_ns // 2
    score = replace(first.score, refused=(("SESSION_CLOSED", half),))

    page = render_comparison(replace(data, rules=(replace(first, score=score), *data.rules[1:])))

    assert re.search(r"<code>SESSION_CLOSED</code> (?:50\.00|49\.99) %", page)


def test_render_comparison__without_overlays_or_range__leaves_the_parts_out(
    data: Comparison,
) -> None:
    page = render_comparison(replace(data, overlays=(), pool_range=None))

    assert 'id="overlays"' not in page
    assert 'id="range"' not in page


def test_write_comparison__text_from_outside__escaped(data: Comparison, tmp_path: Path) -> None:
    source = replace(data.source, name="<script>alert(1)</script>")

    write_comparison(replace(data, source=source), tmp_path / "page.html")

    assert "<script>alert" not in (tmp_path / "page.html").read_text(encoding="utf-8")
