"""Who gives an order to the hub and why, as it is kept with what became of it."""

import os
import pwd

REASON_CHARS_MAX = 200


def operator_name() -> str:
    """Return who asks: the user of the system, as the system knows it; under sudo the one who called it.

    It proves as much as the accounts of the machine do: who is root there can be anybody.
    """
    if caller := os.environ.get("SUDO_USER"):
        return caller
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def reason_in(text: str) -> str | None:
    """Return the reason that *text* gives, in single spaces; None when there is none, or too much of it."""
    reason = " ".join(text.split())
    return reason if 0 < len(reason) <= REASON_CHARS_MAX else None
