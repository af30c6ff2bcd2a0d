"""How events are sealed on their way to the hub, and the hub's keys for that. Decision 14."""
