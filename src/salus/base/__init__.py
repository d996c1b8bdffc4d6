"""The ground: errors, clock, ids, words. Knows no medicine and imports nothing of ours."""
