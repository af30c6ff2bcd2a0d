"""What a decision rests on, as one hash: the same whatever the order, another when anything of it is another."""

import dataclasses

import pytest

from infra.control import ControlState
from schemas.names import PartnerId, SubjectId
from streams.release.basis import Considered, basis_bytes, basis_of, considered
from tests.streams.release.test_decide import AGREEMENT, EUROPOL, FACTS, approval, consent, person

MORE = dataclasses.replace(AGREEMENT, id="b")
ASKED = Considered(agreements=(AGREEMENT, MORE), consents=(consent(),), approvals=(approval(),))
SEVERAL = dataclasses.replace(FACTS, persons=(person("suspects[0]", "SUSPECT"), person("victims[0]")))


def test_the_order_of_agreements_and_persons_changes_nothing() -> None:
    turned = dataclasses.replace(ASKED, agreements=(MORE, AGREEMENT))
    back = dataclasses.replace(SEVERAL, persons=SEVERAL.persons[::-1])
    assert basis_of(SEVERAL, EUROPOL, ASKED) == basis_of(back, EUROPOL, turned)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(ASKED, agreements=(AGREEMENT,)),
        dataclasses.replace(ASKED, agreements=(dataclasses.replace(AGREEMENT, version=2), MORE)),
        dataclasses.replace(ASKED, consents=()),
        dataclasses.replace(ASKED, approvals=()),
    ],
    ids=["an agreement", "a version", "a consent", "an approval"],
)
def test_another_control_state_has_another_basis(other: Considered) -> None:
    assert basis_of(FACTS, EUROPOL, other) != basis_of(FACTS, EUROPOL, ASKED)


def test_each_fact_counts() -> None:
    changes = {"handling": "H1", "tlp": "RED", "purpose": "REFER", "refused": True, "addressees": frozenset({"x"})}
    found = {basis_of(dataclasses.replace(FACTS, **{k: v}), EUROPOL, ASKED) for k, v in changes.items()}  # type: ignore[arg-type]  # one of each
    assert len(found | {basis_of(FACTS, EUROPOL, ASKED)}) == len(changes) + 1


def test_the_encoding_is_what_its_description_says() -> None:
    assert basis_bytes(dataclasses.replace(FACTS, persons=()), EUROPOL, ASKED) == (
        b'{"agreements":[["a",1],["b",1]],"approvals":["rs-police/1"],"audience":"europol","consents":["e"],"facts":'
        b'{"addressees":[],"agency":"rs-police","consent_given":false,"erased":false,"event_id":"e1",'
        b'"event_type":"PersonIdentified","handling":"H0","legal_bases":["LED:8"],"persons":[],"purpose":"INVESTIGATE",'
        b'"refused":false,"tlp":"GREEN","valid_until":null},"rules":3}'
    )


def test_only_what_concerns_event_and_audience_is_considered() -> None:
    subject = SubjectId("subject-person")
    control = ControlState(
        agreements=(AGREEMENT, dataclasses.replace(MORE, partner=PartnerId("selec"))),
        offset=2,
        consents={subject: (consent(),), SubjectId("another"): (consent(),)},
        approvals={"e1": (approval(), approval("hub-operator/1", audience=PartnerId("selec"))), "e2": (approval(),)},
    )
    found = considered(FACTS, EUROPOL, control)
    assert found == Considered(agreements=(AGREEMENT,), consents=(consent(),), approvals=(approval(),))
