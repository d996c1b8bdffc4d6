"""Many patients at once: events and views today, measures later. Knows records; must not know models or pages."""
