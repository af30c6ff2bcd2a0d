"""Records of the hub's own that several processors write: to a stage who has withdrawn, and any other."""

from collections.abc import Iterable, Iterator, Sequence

from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.names import SubjectId, TopicName
from streams.pump.records import Output


def hub_output(topic: TopicName, name: str, content: Record, codec: Codec) -> Output:
    """Return a record of the hub's contract *name* for *topic*."""
    contract = hub_contract(name)
    return Output(topic, codec.writer(f"{topic}-{contract.fullname}", contract.schema).encode(content))


def withdrawal_outputs(
    because_of: str, subjects: Iterable[SubjectId], topics: Sequence[TopicName], codec: Codec
) -> Iterator[Output]:
    """Yield for each stage of *topics* that *subjects* withdrew, or were erased, because of an event or an order."""
    content: Record = {"because_of": because_of, "subject_ids": sorted(map(str, subjects))}
    for topic in topics:
        yield hub_output(topic, "SubjectWithdrawn", content, codec)
