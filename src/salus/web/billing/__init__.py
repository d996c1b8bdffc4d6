"""The pages of the billing clerk and the auditor: bills, payments, what is to be cleared up, a day closed, the books.

Knows how money is told to those who handle it; what may be done with it is for the services to say.
"""
