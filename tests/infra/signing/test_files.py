"""Private keys in files: nobody else reads them, none is overwritten, and what is no key is said to be none."""

from pathlib import Path

import pytest

from infra.signing.files import KeyFileError, public_pem, read_private, read_public, write_private
from infra.signing.keys import key_id_of
from infra.signing.signer import Signer

KIND = "PRIVATE KEY"


def test_a_key_that_was_made_is_read_again_and_its_public_half_is_the_same(tmp_path: Path) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    made = write_private(private)
    public.write_text(public_pem(made.public_key()))
    assert private.stat().st_mode & 0o777 == 0o600
    assert read_private(private).private_bytes_raw() == made.private_bytes_raw()
    assert read_public(public) == made.public_key().public_bytes_raw()
    assert Signer.of(private).key_id == key_id_of(read_public(public))


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    write_private(tmp_path / "key.pem")
    before = (tmp_path / "key.pem").read_bytes()
    with pytest.raises(KeyFileError, match="exists"):
        write_private(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").read_bytes() == before


def test_a_private_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    write_private(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_private(tmp_path / "key.pem")


@pytest.mark.parametrize("content", ["", "no key", f"-----BEGIN {KIND}-----\nAAAA\n-----END {KIND}-----\n"])
def test_what_is_no_key_is_refused_without_a_trace_of_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(content)
    file.chmod(0o600)
    for read in (read_private, read_public):
        with pytest.raises(KeyFileError) as caught:
            read(file)
        assert "AAAA" not in str(caught.value)
    with pytest.raises(KeyFileError, match="cannot read"):
        read_private(tmp_path / "nothing")


def test_a_public_key_is_no_private_one_and_the_other_way_round(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    made = write_private(file)
    with pytest.raises(KeyFileError, match="no public"):
        read_public(file)
    other = tmp_path / "key.pub"
    other.write_text(public_pem(made.public_key()))
    other.chmod(0o600)
    with pytest.raises(KeyFileError, match="no private"):
        read_private(other)
