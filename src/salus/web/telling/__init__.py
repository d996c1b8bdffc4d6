"""FHIR resources told as rows that a reader understands. Pure: from JSON to rows, no store, no request."""
