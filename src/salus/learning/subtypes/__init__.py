"""Which kinds of patients there are: groups that come back when the people are drawn again, or "I cannot tell".

Knows rows and columns; no outcome takes part in the grouping; no medicine, no store, no page.

    people.py       a table as standard scores, and the recipe that makes them of any other row
    events.py       a task and a folder of events as such a table
    axes.py         principal components, as many as stand above columns shuffled
    rules.py        k-means, Ward's tree and Gaussian mixtures, each as a rule that puts anybody into a group
    stability.py    do the groups come back in other draws of the people?
    cloud.py        would one cloud without groups give groups as clear?
    choosing.py     the method and the number of groups, or none
    plane.py        people on a plane, neighbours near each other
    profiles.py     what sets each subtype apart, and what became of its people
    kept.py         the subtypes kept in files that cannot run anything; a new person's subtype, or "unlike any"
    finding.py      the whole question, from a table to the findings
    report.py       the findings told in two languages; groups of fewer than five people are not
"""
