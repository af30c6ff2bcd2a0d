"""What happens to an event between agencies: pure processors, and the pump that makes them exactly-once."""
