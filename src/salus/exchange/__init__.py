"""In and out: bundles, NDJSON, archives, CSV. Knows formats and the doors of records; must not know models or pages."""
