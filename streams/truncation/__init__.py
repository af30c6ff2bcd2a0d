"""Truncation: what agencies published leaves the disk once intake has committed it. Decision 14."""
