"""`salus quiz`: a case checked, published and listed from the terminal."""

from pathlib import Path

from typer.testing import CliRunner

from salus.assistants.cases.quizzes.script import encoded
from salus.assistants.cases.quizzes.shelf import shipped
from salus.base.errors import Invalid, Malformed, Missing
from salus.cli.quiz import quiz


def ran(*words: object) -> tuple[int, str, BaseException | None]:
    found = CliRunner().invoke(quiz, [str(word) for word in words])
    return found.exit_code, found.output, found.exception


def test_a_case_goes_from_a_file_to_the_list(tmp_path: Path):
    file, store = tmp_path / "own.yaml", tmp_path / "records.db"
    script = shipped()["sudden-headache"]
    file.write_text(encoded(script).replace("id: sudden-headache", "id: own", 1), "utf-8")
    assert ran("check", file, "--language", "zh")[:2] == (
        0,
        "一生中最剧烈的头痛：完整（3个步骤、5项检查、3个知识点）\n",
    )
    assert ran("add", file, "--store", store)[0] == 0
    code, output, _ = ran("list", "--store", store)
    assert code == 0 and "own" in output and "thirst-and-vomiting" in output


def test_what_cannot_be_read_is_said(tmp_path: Path):
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "half.yaml").write_text("id: half\n", "utf-8")
    for name, kind in (("none.yaml", Missing), ("bytes.yaml", Malformed), ("half.yaml", Invalid)):
        assert isinstance(ran("check", tmp_path / name)[2], kind)
