"""The local stack: Kafka, the schema registry and PostgreSQL on loopback, from packages alone."""
