import sys

from salus.api.access import identify_by
from salus.base.settings import settings
from salus.cli import main
from salus.privacy import Actor, Purpose, Role


def test_a_token_from_the_terminal_opens_the_doors_of_the_same_installation(tmp_path, monkeypatch, capsys):
    wanted = ["salus", "token", "--as", "Practitioner/1", "--role", "clinician", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", wanted)
    try:
        main()
    except SystemExit as end:
        assert not end.code
    bearer = b"Bearer " + capsys.readouterr().out.strip().encode()

    who = identify_by(settings({}, folder=tmp_path).secret)({b"authorization": bearer})

    assert (Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT) == who
