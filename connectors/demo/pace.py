"""How fast the demonstration lives, when nobody says otherwise."""

DAYS = 183
"""Half a year: every run moves the hub's clock on by so much."""
EVENTS_PER_S = 50
"""A steady stream, and not a burst each day."""
