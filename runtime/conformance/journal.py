"""One suite for every implementation of the port :class:`runtime.ports.journal.Journal`.

Subclass :class:`AppenderSuite` for a writing side whose lines are read elsewhere, as those of a
process on a server; :class:`JournalSuite` for one that is read where it is written.  Write
``play``: it makes a new world around an empty journal, awaits the case, and takes the world down.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nimdsl.base import canonical
from nimdsl.base.errors import PermanentPortError
from runtime.conformance.raising import refused
from runtime.ports.journal import Appender, Journal, JournalEntry

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aé☃", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)
LINES = st.lists(
    st.tuples(st.sampled_from(["b", "a", "ä"]), st.sampled_from(["accepted", "outcome"]), PLAIN), max_size=8
)
NOT_PLAIN = (float("nan"), [float("inf")], {"x": object()}, {"x": {1, 2}})
some = settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class Written:
    """A journal that is written, and how its lines are read again."""

    def __init__(self, journal: Appender) -> None:
        self.journal = journal

    async def read(self, actor: str) -> list[JournalEntry]:
        """Everything that an actor has, once it is durable."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes the journal."""
        raise NotImplementedError


class Read(Written):
    """A journal that is read where it is written."""

    journal: Journal

    async def read(self, actor: str) -> list[JournalEntry]:
        """Commits before it reads."""
        self.journal.commit()
        return list(self.journal.read(actor))

    async def close(self) -> None:
        """Closes it, and again: that is allowed."""
        self.journal.close()
        self.journal.close()


def fill(journal: Appender) -> None:
    """Three lines of two actors."""
    journal.append("nerve/1", "accepted", {"event": "poll", "now": 5})
    journal.append("cell/1", "accepted", {"event": "begin", "now": 0})
    journal.append("nerve/1", "outcome", {"paid": True, "share": 0.1})


class AppenderSuite:
    """The laws of writing."""

    def play(self, case: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        """Plays a case with an empty journal, and takes it down."""
        raise NotImplementedError

    def test_positions_count_within_an_actor(self) -> None:
        """From 0, without gaps, whoever else writes between."""

        async def case(one: Written) -> None:
            append = one.journal.append
            assert [append(actor, "k", None) for actor in ("a", "b", "a", "a", "b")] == [0, 0, 1, 2, 1]

        self.play(case)

    def test_read_gives_what_was_appended_in_order(self) -> None:
        """Of one actor; of somebody unknown nothing."""

        async def case(one: Written) -> None:
            fill(one.journal)
            assert await one.read("nerve/1") == [
                JournalEntry("nerve/1", 0, "accepted", {"event": "poll", "now": 5}),
                JournalEntry("nerve/1", 1, "outcome", {"paid": True, "share": 0.1}),
            ]
            assert await one.read("nobody") == []

        self.play(case)

    @given(lines=LINES)
    @some
    def test_a_line_is_what_canonical_bytes_give_back(self, lines: list[tuple[str, str, Any]]) -> None:
        """So every implementation returns equal entries for equal appends."""

        async def case(one: Written) -> None:
            expected: dict[str, list[JournalEntry]] = {}
            for actor, kind, body in lines:
                own = expected.setdefault(actor, [])
                assert one.journal.append(actor, kind, body) == len(own)
                own.append(JournalEntry(actor, len(own), kind, canonical.decode(canonical.encode(body))))
            for actor, entries in expected.items():
                read = await one.read(actor)
                assert read == entries
                assert [repr(entry) for entry in read] == [repr(entry) for entry in entries]

        self.play(case)

    def test_the_body_is_kept_as_bytes(self) -> None:
        """What is changed after it was appended changes no line."""

        async def case(one: Written) -> None:
            names = ["x"]
            one.journal.append("a", "k", {"names": names, "pair": (1, 2)})
            names.append("later")
            assert [entry.body for entry in await one.read("a")] == [{"names": ["x"], "pair": [1, 2]}]

        self.play(case)

    def test_what_is_not_plain_is_refused_and_leaves_nothing(self) -> None:
        """A ``ValueError``, and the next line takes the position."""

        async def case(one: Written) -> None:
            for body in NOT_PLAIN:
                refused(ValueError, "", one.journal.append, "a", "k", body)
            assert one.journal.append("a", "k", 1) == 0
            assert [entry.body for entry in await one.read("a")] == [1]

        self.play(case)

    def test_after_close_nothing_can_be_appended_any_more(self) -> None:
        """A :class:`PermanentPortError` that says that it is closed."""

        async def case(one: Written) -> None:
            fill(one.journal)
            await one.close()
            refused(PermanentPortError, "closed", one.journal.append, "a", "k", 1)

        self.play(case)


class JournalSuite(AppenderSuite):
    """The laws of writing and reading."""

    def test_actors_are_sorted(self) -> None:
        """By name, and only those that have a line."""

        async def case(one: Read) -> None:
            assert one.journal.actors() == ()
            fill(one.journal)
            assert one.journal.actors() == ("cell/1", "nerve/1")

        self.play(case)

    def test_read_may_begin_anywhere(self) -> None:
        """At any position, also behind the end."""

        async def case(one: Read) -> None:
            for number in range(4):
                one.journal.append("a", "k", number)
            for start in range(6):
                found = [entry.body for entry in one.journal.read("a", start)]
                assert found == list(range(4))[start:]

        self.play(case)

    def test_read_is_a_picture_of_the_moment(self) -> None:
        """What is appended while somebody reads is not part of what it reads."""

        async def case(one: Read) -> None:
            fill(one.journal)
            entries = one.journal.read("nerve/1")
            first = next(entries)
            one.journal.append("nerve/1", "later", None)
            one.journal.commit()
            assert [first.kind, *(entry.kind for entry in entries)] == ["accepted", "outcome"]

        self.play(case)

    def test_counts_are_by_actor(self) -> None:
        """In the order of ``actors``."""

        async def case(one: Read) -> None:
            fill(one.journal)
            assert list(one.journal.counts().items()) == [("cell/1", 1), ("nerve/1", 2)]

        self.play(case)

    def test_values_beside_the_entries_are_no_entries(self) -> None:
        """Kept by value; ``None`` takes one away; they make no actor."""

        async def case(one: Read) -> None:
            journal = one.journal
            assert journal.meta("origin") is None
            value = {"seed": 1, "names": ["x"]}
            journal.set_meta("origin", value)
            value["names"] = ["later"]
            assert journal.meta("origin") == {"seed": 1, "names": ["x"]}
            journal.set_meta("origin", None)
            assert journal.meta("origin") is None
            assert journal.actors() == ()

        self.play(case)

    def test_its_place_can_be_said(self) -> None:
        """For messages that tell a person where a journal is."""

        async def case(one: Read) -> None:
            assert one.journal.place

        self.play(case)

    def test_what_was_refused_leaves_no_actor(self) -> None:
        """Not even an empty one."""

        async def case(one: Read) -> None:
            refused(ValueError, "", one.journal.append, "a", "k", float("nan"))
            assert one.journal.actors() == ()

        self.play(case)

    def test_after_close_every_call_fails_for_good(self) -> None:
        """Reading too, at the call and not at the first line; closing again is allowed."""

        async def case(one: Read) -> None:
            journal = one.journal
            fill(journal)
            await one.close()
            calls: tuple[Callable[[], object], ...] = (
                lambda: journal.append("a", "k", 1),
                lambda: journal.read("a"),
                journal.actors,
                journal.counts,
                lambda: journal.meta("a"),
                lambda: journal.set_meta("a", 1),
                journal.commit,
            )
            for call in calls:
                refused(PermanentPortError, "closed", call)

        self.play(case)
