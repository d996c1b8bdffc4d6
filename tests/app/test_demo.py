import socket

import pytest

from salus.base.errors import Conflict
from salus.base.settings import settings
from salus.cli import demo, serve
from salus.records import Store


def test_each_step_of_the_demo_is_done_once(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "TASKS", ())  # learning has its own tests, and takes minutes
    of = settings({}, folder=tmp_path)
    demo.prepare(of, people=5, years=1)
    with Store(of.store) as store:
        first = store.last_transaction()

    demo.prepare(of, people=5, years=1)

    with Store(of.store) as store:
        assert first == store.last_transaction() > 0
    assert list(of.events.rglob("*.parquet"))


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(Conflict, match=str(port)):
            serve.check_free(settings({}, folder=tmp_path, port=port))
