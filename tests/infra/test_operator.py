"""Who gives an order is the user of the system, through sudo who logged in; no variable changes it."""

import os
import pwd
from pathlib import Path

import pytest

from infra import operator


def test_under_sudo_the_one_who_logged_in_gives_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = tmp_path / "loginuid"
    login.write_text(f"{pwd.getpwnam('daemon').pw_uid}\n")
    monkeypatch.setattr(operator, "LOGIN_UID", login)
    assert operator.operator_name() == "daemon"


@pytest.mark.parametrize("said", [str(2**32 - 1), "", "no number", None])
def test_where_nobody_logged_in_it_is_the_user_of_the_process(
    said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = tmp_path / "loginuid"
    if said is not None:
        login.write_text(said)
    monkeypatch.setattr(operator, "LOGIN_UID", login)
    for name in ("SUDO_USER", "USER", "LOGNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert operator.operator_name() == pwd.getpwuid(os.getuid()).pw_name
