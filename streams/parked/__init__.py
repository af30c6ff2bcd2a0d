"""The operators' desk for parked records: to see them, and to ask for a retry or a discard. The pump does the work."""
