"""How pages look: layout, components, formats, charts, languages. Knows no medicine, no records and nobody's name."""
