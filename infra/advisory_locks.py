"""The advisory locks of the database, each with a number of its own: two that share one would wait for each other."""

from enum import IntEnum, unique


@unique
class AdvisoryLock(IntEnum):
    """What only one process does at a time."""

    MIGRATING = 0x6875_6201
    MERGING_PERSONS = 0x6875_6202
    ROTATING_KEYS = 0x6875_6203
    TRUNCATING = 0x6875_6204
    TICKING = 0x6875_6205
    STAMPING = 0x6875_6206
    NOTING_BREAK_GLASS = 0x6875_6207
    DELIVERIES = 0x6875_6208
