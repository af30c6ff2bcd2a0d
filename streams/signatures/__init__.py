"""What became of signatures: whether one still verifies, and which events a key signed that is in doubt."""
