"""Questions of the ledger: kept until they are answered, and each answer and each limit told once."""

from collections.abc import Iterable, Mapping, Sequence

from infra.topology.answers import Answers
from infra.topology.model import Topology
from schemas.catalogue import contract
from schemas.codec import Codec
from schemas.derive import Channel, derive
from schemas.names import TopicName
from streams.delivery import question_books
from streams.delivery.asking import said_in
from streams.delivery.books import take_turn
from streams.delivery.questions import Question, answer_told, gathered, joined
from streams.delivery.steps import told_answered
from streams.pump.records import Output, SourceRecord, Transaction

LEDGER = TopicName("ledger")


class Questions:
    """Keeps the questions between the agencies and states of *topology*, by the limits of *clocks*."""

    def __init__(self, *, topology: Topology, codec: Codec, clocks: Sequence[Answers]) -> None:
        self._codec = codec
        self._country_of: Mapping[str, str] = {str(agency.id): agency.country for agency in topology.agencies}
        self._answers: dict[str, tuple[str, list[Answers]]] = {}
        for each in clocks:
            for name in (each.question, each.answered_by, *(ending.event for ending in each.ended_by)):
                fullname = derive(contract(name), Channel.LEDGER).fullname
                _, several = self._answers.setdefault(fullname, (name, []))
                if each not in several:
                    several.append(each)

    async def heard(self, batch: Sequence[SourceRecord], transaction: Transaction) -> list[Output]:
        """Keep what *batch* of the ledger says of questions, and return the answers that are new.

        Most of the ledger is about none: such a batch keeps nobody from the books.
        """
        said = gathered(self._said(batch))
        if not said:
            return []
        await take_turn(transaction)
        before = await question_books.known(transaction, said)
        after = [joined(before[each.parties], each) if each.parties in before else each for each in said.values()]
        await question_books.keep(transaction, after)
        answers = (answer_told(before.get(each.parties), each) for each in after)
        return [told_answered(each, self._codec) for each in answers if each is not None]

    def _said(self, batch: Sequence[SourceRecord]) -> Iterable[Question]:
        for source in batch:
            found = self._answers.get(self._codec.fullname_in(source.value) or "")
            if found is not None:
                name, several = found
                record = self._codec.decode(source.value).record
                for answers in several:
                    yield from said_in(name, record, answers, self._country_of)
