"""What people come for, from a booking to a settled bill. Services speak through records, never to each other, and know
no page. Read first: `README.md`, then `rounds.py` (who listens to what happens) and `appointments/`.
"""
