"""How people read: read models in PostgreSQL."""
