"""Key encryption keys to test with: every implementation, and how each of them goes away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.vault.kek import Kek
from infra.vault.keyset_file import KeysetFileKek
from infra.vault.transit import TransitKek, TransitPlace
from tests.infra.vault import transit_stand_in

KINDS = ("file", "transit")


@dataclass
class Site:
    """One place of key encryption keys, which several processes use."""

    open: Callable[[], Kek]
    """Gives a process its own."""
    leave: Callable[[], None]
    """Makes it unavailable, and keeps what it holds."""
    come_back: Callable[[], None]


@contextmanager
def site(kind: str, folder: Path) -> Iterator[Site]:
    """Make a site of *kind* with one key encryption key."""
    if kind == "file":
        path = folder / "kek.json"
        KeysetFileKek.create_if_missing(path)
        aside = folder / "kek.aside"
        yield Site(
            lambda: KeysetFileKek(path), lambda: path.rename(aside) and None, lambda: aside.rename(path) and None
        )
        return
    with transit_stand_in.running() as server:
        token = folder / "token"
        token.write_text(server.token + "\n")
        place = TransitPlace(address=server.address, key="hub", token_file=token)
        yield Site(
            lambda: TransitKek(place),
            lambda: setattr(server, "sealed", True),
            lambda: setattr(server, "sealed", False),
        )
