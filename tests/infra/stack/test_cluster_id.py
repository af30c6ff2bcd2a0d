"""The id of a new cluster is one that Kafka's own tools take as an argument."""

import uuid

import pytest

from infra.stack import kafka


def test_an_id_that_would_look_like_an_option_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    looks_like_an_option, fits = uuid.UUID(bytes=b"\xf8" + bytes(15)), uuid.UUID(bytes=bytes(16))
    given = iter([looks_like_an_option, fits])
    monkeypatch.setattr(kafka.uuid, "uuid4", lambda: next(given))

    assert kafka.cluster_id() == "A" * 22
