"""Billing: what a visit costs, who owes it, who has paid it, and whether the bank agrees. Knows money, invoices and the
books; must not know of pages, nor how a visit came about. Read first: `payments/`.
"""
