"""Many patients at once: events today, views and measures later. Knows records; must not know models or pages."""
