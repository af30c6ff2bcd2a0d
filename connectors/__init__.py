"""How events come in (publisher) and go out (partner feeds)."""
