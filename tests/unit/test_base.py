from datetime import UTC, datetime

from salus.base import clock, errors
from salus.base.ids import uuid7


def kinds() -> list[type[errors.SalusError]]:
    return errors.SalusError.__subclasses__()


def test_every_kind_of_error_is_drawn_in_the_tree_with_its_status_and_exit_code():
    drawn = errors.__doc__ or ""

    for kind in kinds():
        row = next(line for line in drawn.splitlines() if f" {kind.__name__} " in line)
        assert [str(kind.status), str(kind.exit_code)] == [row.split()[2], row.split()[4]]


def test_ids_made_later_sort_later():
    with_gap = [uuid7()]
    start = clock.now()
    while (clock.now() - start).total_seconds() < 0.003:
        pass
    with_gap.append(uuid7())

    assert sorted(with_gap) == with_gap


def test_a_stopped_clock_tells_one_time_and_runs_again_afterwards():
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    with clock.stopped_at(moment):
        inside = clock.now()

    assert moment == inside
    assert clock.now() > moment
