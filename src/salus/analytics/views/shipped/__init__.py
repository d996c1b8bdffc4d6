"""Views that come with Salus, as data."""
