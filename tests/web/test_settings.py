from pathlib import Path

import pytest

from salus.base.errors import Invalid
from salus.base.settings import settings


def test_without_a_word_everything_stands_in_the_folder_and_nobody_gets_in_by_demo(tmp_path: Path):
    usual = settings({}, folder=tmp_path)

    assert (tmp_path / "salus.db", tmp_path / "models", tmp_path / "events") == (
        usual.store,
        usual.registry,
        usual.events,
    )
    assert (False, "en", "127.0.0.1") == (usual.demo, usual.language, usual.host)


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path):
    first, second = settings({}, folder=tmp_path), settings({}, folder=tmp_path)

    assert first.secret == second.secret
    assert 0o600 == (tmp_path / "secret").stat().st_mode & 0o777


def test_the_environment_wins_over_the_file_and_an_option_over_both(tmp_path: Path):
    file = tmp_path / "salus.toml"
    file.write_text('port = 1\nhost = "a"\nlanguage = "zh"\ndemo = true\n')
    environment = {"SALUS_PORT": "2", "SALUS_HOST": "b", "SALUS_FOLDER": str(tmp_path), "SALUS_CONFIG": str(file)}

    told = settings(environment, host="c", port=None)

    assert ("zh", True, 2, "c") == (told.language, told.demo, told.port, told.host)


@pytest.mark.parametrize(
    ("name", "value"), [("port", "70000"), ("demo", "perhaps"), ("language", "la"), ("secret", "short")]
)
def test_a_setting_that_makes_no_sense_is_refused_with_its_value(tmp_path: Path, name: str, value: str):
    with pytest.raises(Invalid):
        settings({f"SALUS_{name.upper()}": value}, folder=tmp_path)


def test_a_name_in_the_file_that_is_no_setting_is_refused(tmp_path: Path):
    file = tmp_path / "salus.toml"
    file.write_text("prot = 80\n")

    with pytest.raises(Invalid, match="prot"):
        settings({}, file, folder=tmp_path)
