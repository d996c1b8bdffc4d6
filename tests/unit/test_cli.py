import subprocess
import sys
from importlib import import_module

import pytest

from salus.base.errors import Missing
from salus.cli import COMMANDS, main


def salus(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "salus", *words], capture_output=True, text=True, timeout=600)


def test_help_names_every_command():
    told = salus("--help")

    assert 0 == told.returncode
    assert all(f" {name} " in told.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_does(name: str):
    module, attribute = COMMANDS[name]
    command = getattr(import_module(module), attribute)

    assert (command.__doc__ or getattr(command.info, "help", "")).strip()


def test_an_error_becomes_plain_lines_and_its_own_exit_code(monkeypatch: pytest.MonkeyPatch, capsys):
    def absent() -> None:
        """Ask for what is not there."""
        raise Missing("No file stands at x.csv: check the path", path="x.csv")

    monkeypatch.setattr("salus.cli.show_version", absent)
    monkeypatch.setattr(sys, "argv", ["salus", "version"])
    with pytest.raises(SystemExit) as stop:
        main()

    assert Missing.exit_code == stop.value.code
    assert "x.csv: No file stands at x.csv: check the path\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "setting", "said"),
    [
        (["version"], "", "There is no file x.csv"),
        (["version"], "zh", "没有文件x.csv"),
        (["version", "--language", "zh"], "", "没有文件x.csv"),
        (["version", "--language=en"], "zh", "There is no file x.csv"),
    ],
)
def test_an_error_is_told_in_the_language_that_was_asked_for(
    words: list[str], setting: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path, capsys
):
    def absent(language: str = "") -> None:
        """Ask for what is not there."""
        raise Missing("There is no file x.csv", path="x.csv")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALUS_LANGUAGE", setting) if setting else monkeypatch.delenv("SALUS_LANGUAGE", raising=False)
    monkeypatch.setattr("salus.cli.show_version", absent)
    monkeypatch.setattr(sys, "argv", ["salus", *words])
    with pytest.raises(SystemExit):
        main()

    assert f"x.csv: {said}\n" == capsys.readouterr().err
