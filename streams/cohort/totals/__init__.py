"""Open statistics with differential privacy: running weekly totals of persons, by group and country of identification.

No fold of what cohorts release (design §12.7): computed inside the cohort room, from rows, with noise drawn once. Pure:
no clock, no randomness but a keyed stream, every released number from exact integer arithmetic.

A table runs for a fixed number of weeks, then begins anew at zero. What is released of a cell is its running total
since then: rounded, never clamped. It may be negative or fall from one week to the next; a reader who sets it to zero
makes sums and means of small cells too large.

The promise is to one subject as the hub knows persons: whatever anybody reads, with all tables together, is (epsilon,
delta)-indistinguishable from what they would read without that subject. Two subjects that are one person and were
counted before the hub learnt it are protected as two persons are.

What was published of a week is never computed anew from other rows: with the same noise, the difference of two
publications would be the difference of the rows. The state knows which weeks are closed; restore it with what was
published, from one transaction, or not at all.
"""
