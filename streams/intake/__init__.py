"""Intake: what agencies publish is checked, sealed and written to the ledger; each record gets a receipt."""
