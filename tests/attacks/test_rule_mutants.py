"""Every conjunct of the rules turned off, one at a time: the attacks fail every time.

A mutant that nothing can tell from the original is listed with the reason; all others must be killed.
"""

import types
from collections.abc import Callable
from types import ModuleType

import pytest

import schemas.banding
import schemas.channel_rules
import schemas.columns
import schemas.compiler
import schemas.derive
import schemas.egress
import schemas.field_steps
import schemas.opening
import schemas.sealing
import streams.intake.reading
import streams.release.decide
import streams.release.processor
from tests.attacks import channel_rules, pipeline_rules, release_rules, row_rules, sealing_rules
from tests.attacks.mutants import mutants, unchanged
from tests.attacks.score_table import score

Suite = Callable[[ModuleType], None]
ATTACKED: dict[str, tuple[ModuleType, Suite, tuple[str, ...], tuple[str, ...]]] = {
    "rules of release": (
        streams.release.decide,
        release_rules.holds,
        ("decide", "_bar", "_kept", "_failure", "_beyond_limits", "_told", "_failure_of_basis", "facts_of"),
        (),
    ),
    "release around its rules": (
        streams.release.processor,
        pipeline_rules.releasing_holds,
        ("ReleaseProcessor.process", "ReleaseProcessor._stage", "_concerns"),
        (),
    ),
    "rules of intake": (streams.intake.reading, pipeline_rules.reading_holds, ("read", "_of_sender", "_event_id"), ()),
    "sealing": (
        schemas.sealing,
        sealing_rules.sealing_holds,
        (
            *("DataKey.bound", "Sealing.seal", "Sealing._nested", "Sealing._encrypt", "Sealing._bound"),
            *("Sealing.holders", "Sealing._holders", "Sealing._under", "_seal_record", "_is_company", "_seal_inner"),
        ),
        ("PAD_BYTES",),
    ),
    "opening": (
        schemas.opening,
        sealing_rules.opening_holds,
        (
            *("_Opener.record", "_Opener._inner", "_Opener._subject", "_Opener._value", "open_value", "_decrypt"),
            "_subject_at",
        ),
        (),
    ),
    "the compiler of channels": (
        schemas.derive,
        channel_rules.deriving_holds,
        ("_Derivation._record", "_Derivation._field", "_Derivation._container"),
        (),
    ),
    "rules of non-personal channels": (
        schemas.channel_rules,
        row_rules.rules_hold,
        (
            *(
                "problems_of",
                "_unfit_fields",
                "_unfit_levels",
                "_bands",
                "_tiers",
                "_persons",
                "_others",
                "_conditions",
            ),
            *("publishable", "field_at"),
        ),
        (),
    ),
    "bands of rules": (schemas.banding, row_rules.bands_hold, ("banded", "level_of", "problems_of_bands"), ()),
    "columns of rows": (
        schemas.columns,
        row_rules.columns_hold,
        ("value_of", "_source", "_since", "_conversion", "_known_codes", "_look_up", "_quick", "_of_list", "_single"),
        (),
    ),
    "rows of events": (
        schemas.compiler,
        row_rules.compiler_holds,
        ("compile_for", "needed", "_transform", "_allowed", "_field"),
        ("K",),
    ),
    "the way out": (schemas.egress, row_rules.egress_holds, ("Egress._writer", "_checked", "Egress.__init__"), ()),
    "leaving persons out": (
        schemas.field_steps,
        channel_rules.leaving_out_holds,
        ("without_persons", "_without_victims_relation"),
        (),
    ),
}
EQUIVALENT = {
    "Sealing._holders never subject == 'self' and own is not None": "`_seal_record` asks it first, for speed",
    "Sealing._holders without subject == 'self'": "as above",
    "Sealing._holders without own is not None": "`self` stands inside persons alone: the linter's wrong-subject",
    "_seal_record never own is not None and step.subjects == _SELF": "`Sealing._holders` asks it again",
    "_seal_record without own is not None": "as above",
    "_seal_record without step.subjects == _SELF": "inside a person there is no other: the linter's wrong-subject",
    "_seal_record without step.default is not None": "null was copied before",
    "_seal_record never sealing.wire and step.branch": "the encoder tries the branches: slower, the same bytes",
    "_seal_record never sealing.wire": "as above",
    "_Opener.record without step.kind != 'copy'": "nothing in clear is a record",
    "_Opener._subject without step.subjects == ('self',)": "inside a person there is no other",
    "_Opener._subject without own is not None": "`self` stands inside persons alone",
    "_Opener._subject without if subject not in (AGENCY, 'self')": "no event has a person at such a path",
    "open_value without value.keys() == {'chain', 'ct'}": "no value that is sealed as a whole is a record",
    "_subject_at without 'subject' in person": "the linter lets only persons be named",
    "_Derivation._field without if key not in ('type', 'default')": "both are set anew below",
    "_Derivation._container never record is None": "the linter's wrong-container",
    "_Derivation._container without {self._contract.name}": "the text of an error",
    "without_persons without step.kind == 'records'": "only lists have entries to leave out",
    "without_persons without any((path.startswith(f'{step.name}[') for path in paths))": "it leaves out nobody then",
    "level_of without minimum in levels": "a field with a ladder has a minimum: the linter's missing-minimum",
    "value_of never len(reads) == 1": "the first of one; for speed",
    "_source never len(way) == 1": "walking finds it as well; for speed",
    "_source without persons is not None": "no field is called None",
    "_source never of_person": "no column is deeper inside a person: such a record is sealed as a whole",
    "compile_for without kind is None": "without a rule there are no columns either",
    "problems_of_bands without {', '.join(ladder_files())}": "the text of an advice",
    "compile_for without {contract.name}": "the text of an error",
    "compile_for without {channel}": "as above",
    "needed never kind.published_in": "it is a column as well",
    "needed without source.field.shape is Scalar.DATE": "a band stands beside a date of birth wherever it is a column",
    "_allowed never not kind.only and (not kind.person_counts)": "nothing forbids then; for speed",
    "read without found is None": "of a contract that nobody knows there is no record",
    "read without b''": "no value has no length either way, or ends in an error which intake answers",
    "read without ''": "an event without problems has an id",
}
"""Mutants that behave as the original does, each with the reason."""


@pytest.mark.parametrize("what", ATTACKED)
def test_a_rule_without_one_of_its_conditions_is_noticed(
    what: str, record_property: Callable[[str, object], None]
) -> None:
    module, suite, functions, numbers = ATTACKED[what]
    suite(unchanged(module))

    made = list(mutants(module, *functions, numbers=numbers))
    survived = [mutant.label for mutant in made if not _is_killed(suite, mutant.module)]
    real = [mutant for mutant in made if mutant.label not in EQUIVALENT]

    assert [label for label in survived if label not in EQUIVALENT] == []
    record_property(*score(f"conditions turned off in {what}: mutants killed", len(real), len(real)))
    assert len(real) >= 8, "there are rules to attack"


def _is_killed(suite: Suite, module: ModuleType) -> bool:
    try:
        suite(module)
    except Exception:  # noqa: BLE001 - whatever it is: it was noticed
        return True
    return False


PARTS = ("event_id", "schema", "path", "subject", "kid")


@pytest.mark.parametrize("gone", PARTS)
def test_a_part_of_the_associated_data_that_both_ways_forget_is_noticed(
    gone: str, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    def forgetful(*given: str) -> bytes:
        return "|".join(part for name, part in zip(PARTS, given, strict=True) if name != gone).encode()

    def encrypt(self: schemas.sealing.Sealing, path: str, holder: schemas.sealing.DataKey, plaintext: bytes) -> bytes:
        nonce = self.nonce()
        aad = forgetful(self.event_id, self.schema, path, holder.subject, holder.kid)
        return nonce + holder.cipher.encrypt(nonce, plaintext, aad)

    opening = unchanged(schemas.opening)
    sealing_rules.opening_holds(opening)
    monkeypatch.setattr(schemas.sealing.Sealing, "_encrypt", encrypt)
    monkeypatch.setattr(opening, "associated_data", forgetful)
    with pytest.raises(AssertionError, match="opened although"):
        sealing_rules.opening_holds(opening)
    record_property(*score("parts of associated data forgotten: mutants killed", 1, 1))
    assert isinstance(opening, types.ModuleType)
