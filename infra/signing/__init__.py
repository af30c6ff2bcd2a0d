"""Who signed what: keys of agencies, officers and of the hub itself as events, and what is signed. Decision 20."""
