"""Break-glass: a person of the hub sees one event, for a reason, when a second agrees, for hours, and is reviewed."""
