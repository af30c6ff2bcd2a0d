"""The demonstration: invented life stories go through the whole hub, shown live and counted at the end."""
