"""Billing: what a visit costs, who owes it, who has paid it, and whether the bank agrees. Knows money, invoices and the
books; must not know of pages, nor how a visit came about.

Read first: `done.py` (what is charged), `charging.py` (each once), `issuing.py` (one transaction makes a bill),
`invoices.py` (what others ask), then `payments/`.
"""
