"""The documentation names what is there, and what it names exists."""

import re
from pathlib import Path

import pytest

from salus.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = [path for path in ROOT.rglob("*.md") if not {".venv", "var"} & set(path.relative_to(ROOT).parts)]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_every_decision_is_numbered_once_and_listed():
    files = sorted(path.name for path in DECISIONS.glob("0*.md"))

    assert files == sorted(set(LINK.findall((DECISIONS / "README.md").read_text("utf-8"))))
    assert len(files) == len({name[:4] for name in files})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_links_only_to_what_exists(page: Path):
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]

    assert [] == missing


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_readme_names_every_command(readme: str):
    text = (ROOT / readme).read_text("utf-8")

    assert [] == [name for name in COMMANDS if f"salus {name}" not in text]


def test_both_readmes_show_the_same_commands():
    shown = [
        re.findall(r"^ {4}(.+?)(?:\s{2,}#.*)?$", (ROOT / name).read_text("utf-8"), re.M)
        for name in ("README.md", "README.zh.md")
    ]

    assert shown[0] == shown[1]


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "how-to").glob("*.md")), ids=lambda path: path.name)
def test_every_how_to_stands_in_both_languages_with_the_same_commands(page: Path):
    twin = page.with_name(page.name.replace(".zh.md", ".md") if ".zh." in page.name else f"{page.stem}.zh.md")
    commands = [re.findall(r"^ +(salus .+|curl .+)$", one.read_text("utf-8"), re.M) for one in (page, twin)]

    assert commands[0] == commands[1]
