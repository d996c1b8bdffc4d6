"""Time until an event, where some were not followed until it came: the arithmetic, which knows no model and no step."""
