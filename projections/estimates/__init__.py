"""How many persons no agency detected: estimates from how agencies' lists overlap, always labelled as estimates."""
