"""Who gives an order to the hub and why, as it is kept with what became of it."""

import os
import pwd
from pathlib import Path

from schemas.errors import MisuseError

LOGIN_UID = Path("/proc/self/loginuid")
NOBODY_LOGGED_IN = 2**32 - 1
REASON_CHARS_MAX = 200


def operator_name() -> str:
    """Return who asks: the user who logged in, as the kernel's audit knows it through sudo; else the system's user.

    It proves as much as the accounts of the machine do: who is root there can be anybody.
    """
    uid = _login_uid()
    uid = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _login_uid() -> int | None:
    """Return the user of the login that led here, None where the kernel does not know; no process can change it."""
    try:
        uid = int(LOGIN_UID.read_text())
    except (OSError, ValueError):
        return None
    return None if uid == NOBODY_LOGGED_IN else uid


def reason_in(text: str) -> str | None:
    """Return the reason that *text* gives, in single spaces; None when there is none, or too much of it."""
    reason = " ".join(text.split())
    return reason if 0 < len(reason) <= REASON_CHARS_MAX else None


def reason_given(text: str) -> str:
    """Return the reason that *text* gives, as it is kept; raise MisuseError when `reason_in` finds none."""
    reason = reason_in(text)
    if reason is None:
        raise MisuseError(f"give a reason of at most {REASON_CHARS_MAX} characters")
    return reason
