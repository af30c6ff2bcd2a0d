"""New passwords for whoever signs in to the broker, the database or the registry."""
