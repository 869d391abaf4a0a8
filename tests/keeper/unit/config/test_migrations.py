"""Migrations run one by one on the document, comments stay, unknown formats are refused."""

import pytest
import tomlkit
from tomlkit.toml_document import TOMLDocument

from keeper.config.migrations import MIGRATIONS, difference, migrate
from keeper.config.model import FORMAT_VERSION
from keeper.domain.errors import ConfigError

OLD = """\
# My keeper.
format_version = 1  # of this file

[venue]
# a comment of mine
url = "http://127.0.0.1:1"   # why this one
number = 1_000
"""


def split_url(document: TOMLDocument) -> TOMLDocument:
    """Format 2 calls venue.url venue.rest_url."""
    document["venue"]["rest_url"] = document["venue"].pop("url")  # type: ignore[index,union-attr]
    return document


def add_pace(document: TOMLDocument) -> TOMLDocument:
    """Format 3 has venue.pace."""
    document["venue"]["pace"] = tomlkit.item(7)  # type: ignore[index]
    return document


INJECTED = {1: split_url, 2: add_pace}


def test_migrate__present_format__nothing_to_do() -> None:
    done = migrate(OLD, "keeper.toml")

    assert (done.found, done.now, done.is_changed) == (1, FORMAT_VERSION, False)
    assert done.after == OLD
    assert difference(done, "keeper.toml") == ""


def test_migrations__as_shipped__lead_to_the_present_format() -> None:
    assert sorted(MIGRATIONS) == list(range(1, FORMAT_VERSION))


def test_migrate__two_steps__run_in_order_and_keep_comments_and_layout() -> None:
    done = migrate(OLD, "keeper.toml", migrations=INJECTED, newest=3)

    assert tomlkit.parse(done.after).unwrap() == {
        "format_version": 3,
        "venue": {"rest_url": "http://127.0.0.1:1", "number": 1_000, "pace": 7},
    }
    for kept in ("# My keeper.\n", "# of this file\n", "# a comment of mine\n", "number = 1_000\n"):
        assert kept in done.after
    assert done.before == OLD


def test_migrate__from_the_middle__runs_only_what_is_left() -> None:
    done = migrate(OLD.replace("= 1 ", "= 2 "), "k", migrations=INJECTED, newest=3)

    assert "url = " in done.after
    assert "pace = 7" in done.after


def test_difference__changed__names_both_formats_and_every_line() -> None:
    done = migrate(OLD, "k", migrations=INJECTED, newest=2)

    text = difference(done, "keeper.toml")

    assert "--- keeper.toml (format 1)" in text
    assert "+++ keeper.toml (format 2)" in text
    assert '-url = "http://127.0.0.1:1"' in text
    assert '+rest_url = "http://127.0.0.1:1"' in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format_version = 2\n", "has format 2; this keeper knows formats up to 1"),
        ("[venue]\n", "no format_version"),
        ('format_version = "1"\n', "format_version '1'"),
        ("format_version = true\n", "format_version True"),
        ("format_version = 0\n", "format_version 0"),
        ("format_version = \n", "not valid TOML"),
    ],
)
def test_migrate__format_unknown__refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        migrate(text, "keeper.toml")

    assert caught.value.next_step


def test_migrate__format_forgotten__refused() -> None:
    with pytest.raises(ConfigError, match="no longer knows"):
        migrate(OLD, "keeper.toml", migrations={2: add_pace}, newest=3)
