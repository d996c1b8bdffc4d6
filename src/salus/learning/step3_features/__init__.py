"""Features: one definition for training and bedside, exact whatever the order of the events."""
