"""Program files: checksums, seeding, killed runs."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from infra.settings import Settings
from infra.stack.jars import Jar, JarMismatchError, JarMissingError, locked, obtain, obtain_unpacked


def jar_of(content: bytes, file: str = "thing-1.0.jar") -> Jar:
    digest = hashlib.sha256(content).hexdigest()
    return Jar(server="kafka", coordinate="org.example:thing:1.0", file=file, sha256=digest)


def seed(cache: Path, jar: Jar, content: bytes) -> Settings:
    path = cache / jar.place
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return Settings(jar_cache=cache, offline=True)


def refuse_download(file: str) -> None:
    raise AssertionError(f"wanted to download {file}")


def test_a_seeded_cache_needs_no_network(tmp_path: Path) -> None:
    jar = jar_of(b"good")
    settings = seed(tmp_path, jar, b"good")
    assert obtain((jar,), settings, refuse_download) == (tmp_path / jar.place,)


def test_a_file_with_another_checksum_is_refused_by_name(tmp_path: Path) -> None:
    jar = jar_of(b"good")
    with pytest.raises(JarMismatchError, match=r"org\.example:thing:1\.0"):
        obtain((jar,), seed(tmp_path, jar, b"evil"), refuse_download)


def test_offline_says_which_file_to_put_where(tmp_path: Path) -> None:
    jar = jar_of(b"good")
    with pytest.raises(JarMissingError, match=str(tmp_path / jar.place)):
        obtain((jar,), Settings(jar_cache=tmp_path, offline=True), refuse_download)


def test_an_archive_is_unpacked_once_and_remains_of_a_killed_run_go(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo("run.jar")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"code"))
    jar = jar_of(packed.getvalue(), "thing-1.0.tar.gz")
    settings = seed(tmp_path, jar, packed.getvalue())
    leftover = tmp_path / ".drafts" / "kafka" / "half"
    leftover.mkdir(parents=True)
    folder = obtain_unpacked(jar, settings, refuse_download)
    assert (folder / "run.jar").read_bytes() == b"code"
    assert not leftover.exists()
    (tmp_path / jar.place).unlink()
    assert obtain_unpacked(jar, settings, refuse_download) == folder


@pytest.mark.parametrize("server", ["kafka", "registry"])
def test_every_locked_file_has_a_coordinate_and_a_sha256(server: str) -> None:
    jars = locked(server)
    assert jars
    assert all(len(jar.sha256) == 64 and jar.coordinate.count(":") == 2 for jar in jars)
    assert len({jar.file for jar in jars}) == len(jars)
