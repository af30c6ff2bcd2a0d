"""Delivery: how far each event and recall has come on its way to each partner, by what the hub knows and partners say."""
