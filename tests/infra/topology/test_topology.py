"""What the topology of this package says, and how its files are read."""

from datetime import date
from pathlib import Path

import pytest

from infra.topology.acls import acls
from infra.topology.load import InvalidTopologyError
from infra.topology.model import load_topology
from infra.topology.subjects import subjects
from schemas.errors import MisuseError

TOPOLOGY = load_topology()
ACLS = acls(TOPOLOGY)


def test_only_the_truncator_may_delete_and_only_where_agencies_publish() -> None:
    deletions = {(acl.principal, acl.name.split(".")[0]) for acl in ACLS if acl.operation == "delete"}
    assert deletions == {("hub-truncator", "in")}


def test_only_cohort_release_writes_rows_about_persons_and_only_release_writes_facts() -> None:
    writers = {
        (acl.name, acl.principal)
        for acl in ACLS
        if acl.name.startswith(("anon.", "facts.")) and acl.operation == "write"
    }
    cohort, release = "hub-cohort", "hub-release"
    assert writers == {
        ("anon.partner", cohort), ("anon.open", cohort), ("facts.partner", release), ("facts.open", release)
    }  # fmt: skip


def test_nobody_outside_the_hub_reads_a_stage_or_the_release_ledger() -> None:
    outside = {str(each.id) for each in (*TOPOLOGY.agencies, *TOPOLOGY.partners)}
    read = {acl.principal for acl in ACLS if acl.name.startswith(("stage.", "cohorts")) and acl.operation == "read"}
    assert read == {"hub-cohort", "hub-projections"}
    assert not read & outside


def test_the_public_reads_what_is_open_and_nothing_for_partners() -> None:
    read = {acl.name for acl in ACLS if acl.principal == "observer" and acl.operation == "read"}
    assert read >= {"anon.open", "facts.open"}
    assert not [acl for acl in ACLS if acl.principal == "observer" and acl.name in ("anon.partner", "facts.partner")]


def test_no_agency_may_use_transactions() -> None:
    parts = {str(part.id) for part in TOPOLOGY.processors}
    assert {acl.principal for acl in ACLS if acl.resource == "transactional_id"} <= parts


def test_every_prefix_ends_in_a_dot_and_no_topic_is_given_by_prefix() -> None:
    prefixed = [acl for acl in ACLS if acl.pattern == "prefixed"]
    assert all(acl.name.endswith(".") and acl.resource != "topic" for acl in prefixed)


def test_a_partner_reads_its_feed_acknowledges_and_reads_what_is_non_personal_and_nothing_else() -> None:
    rights = {(acl.operation, acl.resource, acl.name) for acl in ACLS if acl.principal == "europol"}
    shared = {"anon.partner", "anon.open", "facts.partner", "facts.open", "totals.open"}
    assert {name for _, _, name in rights} >= shared
    assert {each for each in rights if each[2] not in shared} == {
        ("read", "topic", "to.europol"),
        ("describe", "topic", "to.europol"),
        ("write", "topic", "acks.europol"),
        ("describe", "topic", "acks.europol"),
        ("read", "group", "europol."),
        ("describe", "group", "europol."),
    }


def test_the_superuser_needs_no_permission_and_gets_no_password() -> None:
    assert not [acl for acl in ACLS if acl.principal == "hub-admin"]
    assert "hub-admin" not in {user.name for user in TOPOLOGY.scram_users()}


def test_the_observer_has_a_topic_but_no_agreement_and_so_no_schema_of_an_event() -> None:
    assert TOPOLOGY.topic("to.observer") is not None
    assert not [each for each in TOPOLOGY.agreements if each.partner == "observer"]
    found = [each.name for each in subjects(TOPOLOGY) if each.topic == "to.observer"]
    assert found == ["to.observer-hub.v1.Recalled"]


def test_a_counselling_centre_is_no_party_of_what_the_prosecution_receives() -> None:
    received = [each for each in TOPOLOGY.agreements if each.partner == "rs-prosecution"]
    assert received
    assert not {"rs-counselling", "bg-counselling"} & {agency for each in received for agency in each.agencies}


def test_referrals_pass_only_to_whom_they_are_addressed() -> None:
    referrals = [each for each in TOPOLOGY.agreements if "ReferralOffered" in each.event_types]
    assert {each.partner for each in referrals} == {"rs-counselling", "bg-counselling"}
    assert all(each.only_addressee for each in referrals)


def test_an_agreement_holds_on_its_last_day_and_not_on_the_next() -> None:
    agreement = next(each for each in TOPOLOGY.agreements if each.id == "interpol-extradition")
    assert agreement.covers("rs-police", "ExtraditionRequested", date(2035, 12, 31))
    assert not agreement.covers("rs-police", "ExtraditionRequested", date(2036, 1, 1))
    assert not agreement.covers("rs-counselling", "ExtraditionRequested", date(2030, 1, 1))


def test_plaintext_leaves_the_disk_soon_after_its_deletion() -> None:
    topic = TOPOLOGY.topic("in.rs-police")
    assert topic is not None
    assert topic.config["retention.ms"] == "-1"
    assert int(topic.config["segment.ms"]) <= 60_000
    assert int(topic.config["file.delete.delay.ms"]) <= 1_000


def test_the_truncator_deletes_from_what_agencies_publish_and_neither_reads_nor_writes_anything() -> None:
    assert TOPOLOGY.reads("hub-truncator") == TOPOLOGY.writes("hub-truncator") == ()
    deletable = {topic.name for topic in TOPOLOGY.topics if topic.deleters}
    assert deletable == {f"in.{agency.id}" for agency in TOPOLOGY.agencies}
    assert {who for topic in TOPOLOGY.topics for who in topic.deleters} == {"hub-truncator"}


def test_no_topic_that_the_hub_writes_is_too_small_for_what_intake_accepts() -> None:
    largest_input = max(topic.max_message_bytes for topic in TOPOLOGY.topics if topic.name.startswith("in."))
    outputs = [topic for topic in TOPOLOGY.topics if not topic.name.startswith("in.")]
    assert all(topic.max_message_bytes >= 4 * largest_input for topic in outputs)


def test_subjects_are_named_by_topic_and_record() -> None:
    names = {each.name for each in subjects(TOPOLOGY)}
    assert "in.rs-police-hub.v1.PersonIdentified" in names
    assert "receipts.rs-police-hub.v1.Receipt" in names
    assert len(names) == len(subjects(TOPOLOGY))


def test_an_agency_publishes_only_what_its_kind_may() -> None:
    assert "ExtraditionRequested" not in TOPOLOGY.permitted("rs-counselling")
    assert TOPOLOGY.permitted("atlantis") == ()


def test_an_unknown_key_is_reported_with_its_place(tmp_path: Path) -> None:
    source = Path(str(Path(load_topology.__code__.co_filename).parent / "topology.toml"))
    text = source.read_text(encoding="utf-8").replace('owner = "hub-operator"', 'ownr = "hub-operator"', 1)
    file = tmp_path / "topology.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidTopologyError) as caught:
        load_topology(file)
    assert any(problem.path.endswith("ownr") for problem in caught.value.problems)
    assert any(problem.path.endswith("owner") for problem in caught.value.problems)


def test_a_file_that_is_no_toml_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "topology.toml"
    file.write_text("agencies = [", encoding="utf-8")
    with pytest.raises(InvalidTopologyError, match="unreadable"):
        load_topology(file)


def test_a_missing_file_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match=r"give the path of a topology\.toml"):
        load_topology(tmp_path / "nothing.toml")
