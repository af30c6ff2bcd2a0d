"""What the hub stands on: settings, home, topology, local stack, vault, database, logging. Imports `schemas` only."""
