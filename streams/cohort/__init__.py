"""Bounded-delay release in cohorts: rows of persons leave only in classes that reveal nobody (design §7).

The pure part: records of the log and a state go in, batches, ledger entries and the next state come out. No clock, no
randomness, no I/O; every decision is integer arithmetic on what the log says.
"""
