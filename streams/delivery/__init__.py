"""Delivery: how far each event and recall has come on its way to each partner, and what is overdue."""
