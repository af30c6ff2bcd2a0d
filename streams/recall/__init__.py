"""Recall: every partner that got the data of a person who is erased is told so, and what it has to delete."""
