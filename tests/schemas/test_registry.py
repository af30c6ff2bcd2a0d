"""The registry's client: what was learnt stays known, and only the registry itself can say that a schema is unknown."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import contract
from schemas.codec import HEADER, Codec, SchemaNotRegisteredError
from schemas.errors import UnknownSchemaError
from schemas.names import SchemaId
from schemas.registry import Registry, RegistryUnavailableError, canonical_json, fingerprint_of
from tests.schemas.events import event
from tests.schemas.registries import Answers, served

FOUND = contract("PersonIdentified")
SUBJECT = "in.rs-police-hub.v1.PersonIdentified"


def known_answers() -> Answers:
    answers = Answers()
    answers.hold(7, FOUND.schema, SUBJECT)
    return answers


def test_what_was_learnt_works_when_the_registry_is_away_and_after_a_restart(tmp_path: Path) -> None:
    with served(known_answers()) as url:
        codec = Codec(Registry(url, cache_dir=tmp_path))
        value = codec.writer(SUBJECT, FOUND.schema).encode(event())
        codec.learn([value])
    assert codec.decode(value).record == event()
    restarted = Codec(Registry(url, cache_dir=tmp_path))
    restarted.learn([value])
    assert restarted.decode(value).record == event()
    assert restarted.writer(SUBJECT, FOUND.schema).encode(event()) == value


def test_an_id_never_seen_waits_for_the_registry(tmp_path: Path) -> None:
    with served(known_answers()) as url:
        Registry(url, cache_dir=tmp_path).schema(SchemaId(7))
    away = Registry(url, cache_dir=tmp_path)
    assert away.schema(SchemaId(7)) == FOUND.schema
    with pytest.raises(RegistryUnavailableError):
        away.schema(SchemaId(8))
    with pytest.raises(RegistryUnavailableError):
        Codec(away).learn([HEADER.pack(0, 8) + b"x"])


def test_an_id_that_the_registry_does_not_have_is_asked_for_once() -> None:
    answers = known_answers()
    with served(answers) as url:
        registry = Registry(url)
        for _ in range(3):
            registry.learn([SchemaId(9)])
            with pytest.raises(UnknownSchemaError):
                registry.schema(SchemaId(9))
    assert answers.asked == ["/schemas/ids/9"]


@pytest.mark.parametrize(
    "answer",
    [
        (404, b"<html>not found</html>"),
        (404, {"detail": "Not Found"}),
        (200, b"<html>welcome</html>"),
        (200, {}),
        (200, {"schema": "no json"}),
        (302, b""),
        (401, {}),
        (403, {}),
        (429, {}),
        (500, {}),
        (503, b""),
    ],
    ids=lambda answer: f"{answer[0]}-{str(answer[1])[:12]}",
)
def test_an_answer_that_is_not_the_registrys_makes_no_event_unknown(answer: tuple[int, Any]) -> None:
    answers = Answers(otherwise=answer)
    with served(answers) as url, pytest.raises(RegistryUnavailableError):
        Registry(url).learn([SchemaId(1)])


def test_writing_waits_until_the_schema_is_registered() -> None:
    answers = Answers(otherwise=(404, {"error_code": 40401}))
    with served(answers) as url:
        codec = Codec(Registry(url))
        with pytest.raises(SchemaNotRegisteredError):
            codec.writer(SUBJECT, FOUND.schema)
        answers.hold(7, FOUND.schema, SUBJECT)
        assert codec.writer(SUBJECT, FOUND.schema).schema_id == 7


@pytest.mark.parametrize("damage", [b"", b'{"id": 7', b"[]", b'{"id": 7, "schema": null}', b"\xff"])
def test_a_torn_file_of_the_cache_is_passed_over(tmp_path: Path, damage: bytes) -> None:
    with served(known_answers()) as url:
        Registry(url, cache_dir=tmp_path).schema(SchemaId(7))
        (tmp_path / "id-7.json").write_bytes(damage)
        assert Registry(url, cache_dir=tmp_path).schema(SchemaId(7)) == FOUND.schema


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with served(known_answers()) as url:
        assert Registry(url, cache_dir=tmp_path / "file").schema(SchemaId(7)) == FOUND.schema


def test_threads_that_learn_the_same_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    with served(known_answers()) as url, ThreadPoolExecutor(8) as pool:
        registry = Registry(url, cache_dir=tmp_path)
        assert len(list(pool.map(registry.schema, [SchemaId(7)] * 40))) == 40
    assert [path.name for path in tmp_path.iterdir()] == ["id-7.json"]


def test_a_fingerprint_does_not_depend_on_order_or_on_how_names_are_spelt() -> None:
    one = {"type": "record", "name": "A", "namespace": "n", "fields": [{"name": "x", "type": "n.B"}]}
    other = {"fields": [{"type": "B", "name": "x"}], "namespace": "n", "name": "A", "type": "record"}
    assert fingerprint_of(one) == fingerprint_of(other)
    assert canonical_json({"b": 1, "a": 2}) == canonical_json({"a": 2, "b": 1})
    assert fingerprint_of(one) != fingerprint_of({**one, "name": "C"})
