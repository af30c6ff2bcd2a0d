"""The key vault: who is meant by a reference, and the keys that belong to one person."""
