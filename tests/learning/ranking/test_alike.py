"""People alike are counted from counts in which nobody can be found."""

from hypothesis import given, settings
from hypothesis import strategies as st

from salus.learning.ranking.alike import ANY, LEAST, NONE, crowd_of

REASONS = st.frozensets(st.sampled_from("abc"), max_size=3)
VISITS = st.lists(st.tuples(st.sampled_from("pqrstuvwxyz"), st.integers(3, 5), REASONS), max_size=60)


@settings(max_examples=60, deadline=None)
@given(VISITS, st.integers(2, 6), st.sampled_from("abc"))
def test_everybody_counts_once_and_small_counts_are_not_kept(visits, decade, reason):
    crowd = crowd_of(visits)
    last = {subject: own for subject, own, reasons in visits if reason in reasons}
    people = [sum(own == one for own in last.values()) for one in (decade - 1, decade, decade + 1)]

    assert sum(many for many in people if many >= LEAST) == crowd.alike(decade, [reason])
    assert all(many >= LEAST for counts in crowd.counts.values() for many in counts.values())


def test_people_of_the_same_disease_and_about_the_same_age_are_alike():
    crowd = crowd_of([*((f"a{n}", 6, ["I10"]) for n in range(30)), *((f"b{n}", 2, ["J45"]) for n in range(20))])

    assert (30, 30, 0) == (crowd.alike(6, ["I10"]), crowd.alike(5, ["I10"]), crowd.alike(3, ["I10"]))
    assert (20, 0) == (crowd.alike(1, ["J45"]), crowd.alike(2, ["never seen"]))
    assert 30 == crowd.alike(ANY, ["I10"])


def test_most_of_several_reasons_must_be_shared():
    many, few = ((f"a{n}", 6, ["I10", "E11"]) for n in range(30)), ((f"b{n}", 6, ["J45"]) for n in range(9))
    crowd = crowd_of([*many, *few])

    assert (9, 30, 0) == tuple(crowd.alike(6, one) for one in (["I10", "J45"], ["I10", "E11", "J45"], ["I10", "Q87"]))


def test_who_came_without_a_known_reason_is_like_others_who_did():
    crowd = crowd_of([(f"a{n}", 6, []) for n in range(8)] + [("b", 6, ["I10"])])

    assert (8, 0) == (crowd.alike(6, []), crowd.alike(6, ["I10"]))
    assert {NONE} == set(crowd.counts)
