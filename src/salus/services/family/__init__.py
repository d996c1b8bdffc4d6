"""Who acts for whom: the children that somebody may act for, and how the desk ties a guardian to a child.

Knows RelatedPersons, and what was shown as proof; whether it is enough is for `privacy.guardian` to say.
"""
