"""The report page: self-contained, escaped, exact, and honest about what differs."""

import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from keeper.pages.report import render_report, write_report
from keeper.pages.report_data import (
    Check,
    DataSource,
    Event,
    Figure,
    FillPoint,
    FillSummary,
    Holder,
    JournalParts,
    MarketChart,
    NavPart,
    Parameter,
    PnlCause,
    PoolChart,
    ReportData,
    Settlement,
)

DAY_MS = 86_400_000
START_MS = 1_795_000_000_000
VOID = {"meta", "br", "link", "img", "input"}
SVG_NAME = "http://www.w3.org/2000/svg"


def fingerprint(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.fixture
def data() -> ReportData:
    prices = tuple((START_MS + n * 1_000, 3_000_000_000 + n * 1_000) for n in range(50))
    later = tuple((at + DAY_MS, price) for at, price in prices)
    quotes = ((START_MS, None), (START_MS + 5_000, 2_990_000_000), (START_MS + 40_000, None))
    market = MarketChart(
        market="ETH-USD",
        oracle=prices + later,
        bid=quotes,
        ask=(),
        fills=(
            FillPoint(at_ms=START_MS + 9_000, side="BUY", price_usdc_e6=2_990_000_000, base_e9=5),
        ),
        position=((START_MS, 0), (START_MS + 9_000, -100_000_000)),
    )
    pool = PoolChart(pool="0xpool", price=prices, mark=(), lower=(), upper=())
    fill = FillSummary(
        market="ETH-USD",
        side="BUY",
        liquidity="MAKER",
        count=3,
        base_e9=2_000_000_000,
        quote_usdc_e6=6_000_000_001,
        fee_usdc_e6=600_001,
    )
    settlement = Settlement(
        epoch=1,
        cut_at_s=1_795_000_000,
        gross_usdc_e6=0,
        accepted_usdc_e6=0,
        deposits_usdc_e6=100_000_000,
        deposit_shares=100 * 10**18,
        redeemed_shares=0,
        paid_usdc_e6=0,
        price_usdc_e12=10**12,
    )
    return ReportData(
        title="Vault <b>bold</b>",
        mode="local world",
        made_at_s=1_795_000_000,
        vault="0xvault",
        chain="anvil",
        share_symbol="ATH",
        share_decimals=18,
        nav_usdc_e6=100_000_001,
        nav_parts=(NavPart(name="Idle", custody="the vault", assets_usdc_e6=100_000_001),),
        total_supply_shares=100 * 10**18,
        price_usdc_e12=1_000_000_010_000,
        settlements=(settlement,),
        events=(Event(at_s=1_795_000_000, who="<script>alert(1)</script>", what="x", amount="1"),),
        pnl=(PnlCause(cause="Spread", amount_usdc_e6=3), PnlCause(cause="Fees", amount_usdc_e6=-2)),
        checks=(
            Check(name="equal", left_name="a", left=5, right_name="b", right=5),
            Check(name="off by one", left_name="a", left=5, right_name="b", right=6),
        ),
        holders=(Holder(role="Keeper", address="0xk", can="trade", cannot="withdraw"),),
        figures=(Figure(name="Latency", value="84 us"),),
        journal=JournalParts(
            markets=(market,), pools=(pool,), fills=(fill,), refusals=(("STALE_BOOK", 2),)
        ),
    )


def test_render_report__anything_given__is_escaped(data: ReportData) -> None:
    page = render_report(data)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Vault &lt;b&gt;bold" in page


def test_render_report__page__loads_nothing_from_anywhere(data: ReportData) -> None:
    page = render_report(data)

    body = page.replace('http-equiv="Content-Security-Policy"', "").replace(SVG_NAME, "")
    assert not re.search(r"(?:src=|url\(|@import)", body)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', body))
    assert "http" not in body
    assert "default-src 'none'" in html.unescape(page)


def test_render_report__policy__allows_exactly_the_inline_style_and_script(
    data: ReportData,
) -> None:
    page = render_report(data)

    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    allowed = re.findall(r"sha256-[A-Za-z0-9+/=]+", page)
    assert [fingerprint(text) for text in (*style, *scripts)] == allowed
    assert "unsafe" not in page.split("</head>", maxsplit=1)[0].split("<style>", maxsplit=1)[0]
    assert not re.search(r"\sstyle=|\son[a-z]+=", page.replace(scripts[0], ""))


def test_render_report__checks__an_inequality_shows_as_differing(data: ReportData) -> None:
    page = render_report(data)

    assert "1 of 2" in page
    assert page.count("✓ equal") == 1
    assert page.count("✗ differ") == 1


def test_render_report__money__keeps_every_unit(data: ReportData) -> None:
    page = render_report(data)

    assert "100.000001" in page
    assert "3,000.000000" in page, "mean price of the fills, rounded down"
    assert "6,000.000001" in page
    assert "+0.000001" in page, "sum of the causes"


def test_render_report__markup__is_balanced(data: ReportData) -> None:
    class Balance(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            del attrs
            if tag not in VOID:
                self.open.append(tag)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Balance()
    parser.feed(render_report(data))

    assert parser.open == []


def test_render_report__charts__have_a_spoken_summary(data: ReportData) -> None:
    page = render_report(data)

    labels = re.findall(r'role="img" aria-label="([^"]+)" data-summary="[^"]+"', page)
    assert labels == [
        *("Price per share", "ETH-USD: our quotes around the price"),
        *("ETH-USD: inventory and hedge", "Pool price and our range"),
    ]


def test_write_report__twice__replaces_the_file(data: ReportData, tmp_path: Path) -> None:
    file = tmp_path / "out" / "report.html"

    write_report(data, file)
    write_report(msgspec.structs.replace(data, title="Second"), file)

    assert "Second" in file.read_text(encoding="utf-8")
    assert [path.name for path in file.parent.iterdir()] == ["report.html"]


def test_render_report__recorded_data__is_named_with_its_span_and_clock(data: ReportData) -> None:
    source = DataSource(name="a recording", span="11 min", clock_offset="-59 ms", note="Two days.")

    page = render_report(msgspec.structs.replace(data, source=source))

    assert all(text in page for text in ("a recording", "11 min", "-59 ms", "Two days."))


def test_render_report__quoting_parameters__are_shown_with_their_meaning(data: ReportData) -> None:
    row = Parameter(scope="ETH-USD", name="spread", value="5 bps", meaning="half of it")

    page = render_report(msgspec.structs.replace(data, quoting=(row,)))

    assert "5 bps" in page
    assert "half of it" in page
