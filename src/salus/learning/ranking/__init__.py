"""What of many things was done, and how often to those like this one: a share for each, ranked; or "I cannot tell".

Knows rows and labels, several of which may hold of a row; must not know what the things are, nor whether they did good.

    measures.py     sets and rankings against what was done, means over rows; differences with intervals
    ridge.py        one linear model for all labels at once, every penalty from one decomposition, out of fold
    prior.py        the shares by a row's groups (diseases, say) alone
    blend.py        scores, prior and what was done before, weighed together into shares that mean what they say
    choosing.py     which of the ranked are called: from where on, or as many as make the expected F1 greatest
    ranker.py       all of these as one model, saved as plain arrays and text
    visits.py       from events: what was done visit by visit, what was done before, and why
    alike.py        how many people are like somebody, from counts in which nobody can be found
    learning.py     a task of kind "ranking", from a folder of events to a version in the registry
    judging.py      its figures on visits that it never saw, beside the last visit copied and the groups' shares alone
    kept.py         a version at the bedside: ranked for one subject's events, or the reason why not
    rankings.py     the registry of rankings, sealed as models are
    card.py         what someone must know before reading a ranking, in two languages
"""

from salus.learning.ranking.ranker import Known, Ranker, Wish, fit, load

__all__ = ["Known", "Ranker", "Wish", "fit", "load"]
