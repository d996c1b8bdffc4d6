"""What people come for: appointments so far. Services speak through records, never to each other, and know no page."""
