"""Release: who may see an event, decided by rule, and what goes to each of them."""
