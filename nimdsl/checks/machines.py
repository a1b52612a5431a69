"""Checks of machines: states that cannot be reached or left, events without sender or taker.

Written on the state tree, so that findings are about what the user wrote.
Only machines whose targets all exist get here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nimdsl.base.diagnostics import Severity
from nimdsl.base.suggest import did_you_mean, phrase
from nimdsl.checks.comparisons import compared, no_state
from nimdsl.checks.guards import may_fault, shadowed, uncovered
from nimdsl.compile.interface import MARK, TOLD, UNCLAIMED, WAVES, Interface
from nimdsl.compile.reader import Findings
from nimdsl.expression.syntax import Name
from nimdsl.program import Work
from nimdsl.program.flatten import (
    FAULT,
    REFUSED,
    REQUESTED,
    RETURNED,
    STATE_ROOT,
    begun_by,
    expressions_in,
    leaf_of,
    lineage,
)
from nimdsl.program.machine import Action, BeginWork, ReplyToAsk, State, Transition, walk, ways_of


def check_answers(findings: Findings, root: State, interface: Interface) -> None:
    """Reports what is wrong with a machine that the compiler made of answers."""
    _Checker(findings, root, interface, ()).competing()


def check_machine(findings: Findings, root: State, interface: Interface) -> None:
    """Reports everything that is wrong with a machine, and with the answers beside it."""
    beside = tuple(way for way in root.transitions if way.answer)
    own = replace(root, transitions=tuple(way for way in root.transitions if not way.answer))
    checker = _Checker(findings, own if beside else root, interface, beside)
    checker.reachable()
    checker.exits()
    checker.competing()
    checker.stuck()
    checker.events()
    checker.timers()
    checker.work()
    checker.begun_anew()
    checker.replies()
    checker.reserves()
    checker.refusals()
    checker.own_states()
    checker.faults()


class _Checker:
    def __init__(
        self, findings: Findings, root: State, interface: Interface, beside: tuple[Transition, ...]
    ) -> None:
        self.findings = findings
        self.root = root
        self.beside = beside
        """The transitions of answers, which are internal ones of every state."""
        self.interface = interface
        self.states = {"": root, **dict(walk(root))}
        self.leaves = [path for path, state in self.states.items() if path and not state.states]
        self.ways = {
            path: list(self._ways(path)) for path, state in self.states.items() if not state.states
        }
        """What :meth:`_ways` gives, by leaf."""
        reserving = {name for name, work in interface.works.items() if work.reserve is not None}
        edges = [(path, way) for path, state in self.states.items() for way in ways_of(state)]
        self.reserved = {
            id(way): [one.work for one in begun_by(root, path, way) if one.work in reserving]
            for path, way in (edges if reserving else ())
        }
        """The work for which a transition puts lifeforce aside, by the transition's ``id``."""
        self.dear = {id(way) for _, way in edges if way.bill or self.reserved.get(id(way))}
        """The transitions that can be refused."""

    def _ways(self, leaf: str) -> Iterator[tuple[str, Transition, bool]]:
        """Every transition of a leaf and its ancestors: owner, transition, whether a timer fires it."""
        for path in lineage(leaf):
            state = self.states[path]
            for transition in state.transitions:
                yield path, transition, False
            for timer in state.timers:
                for transition in timer.transitions:
                    yield path, transition, True

    def reachable(self) -> None:
        """NIM0401."""
        seen, waiting = set(), [leaf_of(self.root, "")]
        while waiting:
            leaf = waiting.pop()
            if leaf in seen:
                continue
            seen.add(leaf)
            waiting += [leaf_of(self.root, t.target) for _, t, _ in self.ways[leaf] if not t.internal]
        for path, state in self.states.items():
            inside = [leaf for leaf in self.leaves if leaf == path or leaf.startswith(path + "/")]
            parent = path.rpartition("/")[0]
            if path and not set(inside) & seen and (not parent or self._any_seen(parent, seen)):
                message = f"the state `{path}` can never be reached"
                fix = "add a transition that leads to it, or remove it"
                self.findings.report("NIM0401", message, state.place, fix)

    def _any_seen(self, path: str, seen: set[str]) -> bool:
        return any(leaf.startswith(path + "/") for leaf in seen)

    def exits(self) -> None:
        """NIM0402."""
        for leaf in self.leaves:
            state = self.states[leaf]
            out = [way for way in self.ways[leaf] if not way[1].internal or len(self.leaves) == 1]
            if not state.final and not out:
                message = f"nothing leads out of the state `{leaf}`"
                fix = "add a transition or a timer, or say `final: true`"
                self.findings.report("NIM0402", message, state.place, fix)

    def competing(self) -> None:
        """NIM0404."""
        groups = [(path, state.transitions) for path, state in self.states.items()]
        for path, ways in [*groups, ("", self.beside)]:
            by_event: dict[tuple[str, str], list[Transition]] = {}
            for way in ways:
                part = "" if way.event.startswith(REQUESTED) else way.answer
                by_event.setdefault((way.event, part), []).append(way)
            for (event, _), candidates in by_event.items():
                for number in shadowed([candidate.guard for candidate in candidates]):
                    self._shadowed(path, event, candidates[number], alone=number == 0)

    def _shadowed(self, path: str, event: str, transition: Transition, alone: bool) -> None:
        shown = event.removeprefix(REQUESTED)
        where = f"of `{path or 'any'}` on `{shown}`"
        message = f"this transition {where} can never be taken: an earlier one always is"
        fix = "give them guards (`if`) that tell them apart, or remove one"
        if alone:
            message = f"this transition {where} can never be taken: its guard never holds"
            fix = "change its `if`, or remove it"
        self.findings.report("NIM0404", message, transition.place, fix)

    def stuck(self) -> None:
        """NIM0403."""
        for leaf in self.leaves:
            ways = self.ways[leaf]
            by_event: dict[str, list[Transition]] = {}
            for _, transition, timed in ways:
                if timed:
                    break
                by_event.setdefault(transition.event, []).append(transition)
            else:
                self._stuck_on(leaf, by_event)

    def _stuck_on(self, leaf: str, by_event: dict[str, list[Transition]]) -> None:
        sources = self.interface.events
        if not by_event or any(event not in sources or not sources[event].once for event in by_event):
            return
        if REFUSED not in by_event and not self.states[leaf].final:
            self._trapped(leaf, by_event)
        for event, candidates in by_event.items():
            guards = [candidate.guard for candidate in candidates if candidate.guard is not None]
            if len(guards) < len(candidates) or event in (REFUSED, FAULT):
                continue
            witness = uncovered(guards, without_value=not (self.root.fails and FAULT in by_event))
            if witness is not None:
                case = f" and {witness}" if witness else ""
                message = f"`{leaf}` is stuck when `{event}` comes{case}: no guard holds then"
                fix = "add a transition without `if` as the last one, or a timer"
                self.findings.report("NIM0403", message, candidates[0].place, fix)

    def _trapped(self, leaf: str, by_event: dict[str, list[Transition]]) -> None:
        """NIM0412: what leads out comes once, and can be refused."""
        for event, candidates in by_event.items():
            dear = [candidate for candidate in candidates if id(candidate) in self.dear]
            if dear:
                message = f"if `{event}` is refused, nothing leads out of `{leaf}`"
                fix = "add a transition on `refused`, or a timer"
                self.findings.report("NIM0412", message, dear[0].place, fix)

    @property
    def unasked(self) -> frozenset[str]:
        """Where events come from that need not be handled; a nerve reads its senses at other events."""
        sensed = {WAVES} if self.interface.kind == "nerve" else set[str]()
        return frozenset({"refused", "fault", RETURNED, UNCLAIMED, MARK, TOLD} | sensed)

    def events(self) -> None:
        """NIM0406 and NIM0407."""
        sources = self.interface.events
        taken: set[str] = set()
        for state in self.states.values():
            for transition in state.transitions:
                taken.add(transition.event)
                if transition.event not in sources and not self.interface.unsure:
                    message = f"nobody raises the event `{transition.event}`"
                    fix = phrase(transition.event, sources)
                    self.findings.report("NIM0406", message, transition.place, fix)
        for event, source in sources.items():
            origins = source.origins - self.unasked
            if event not in taken and origins and not all(": " in origin for origin in origins):
                how = "is accepted" if "accepts" in origins else "is raised"
                message = f"the event `{event}` {how}, and no state handles it"
                fix = f"add a transition on `{event}`, or remove the event"
                if "accepts" not in origins and (likely := did_you_mean(event, taken - {*sources})):
                    fix = f"did you mean `{likely}`?"
                place = source.place or self.findings.document.place
                self.findings.report("NIM0407", message, place, fix)

    def replies(self) -> None:
        """NIM0413: an ask that no transition replies to."""
        asked = self.interface.replies
        replied: set[str] = set()
        for _, state in self.states.items():
            ways = [*state.transitions, *(t for timer in state.timers for t in timer.transitions)]
            told = {way.event for way in ways if _replies(way.actions)}
            entering = _replies((*state.enter, *state.exit))
            replied |= {*asked} if entering or told - {*asked} else told
        for event in asked:
            source = self.interface.events.get(event)
            if event not in replied and source is not None and source.place is not None:
                message = f"nothing replies to `{event}`: whoever asks by it waits until the timeout"
                fix = "add the action `reply` to a transition on it"
                self.findings.report("NIM0413", message, source.place, fix)

    def faults(self) -> None:
        """NIM0419: a machine that fails and takes no notice of it."""
        if not self.root.fails:
            return
        states = self.states.values()
        ways = [way for _, state in self.states.items() for way in state.transitions]
        ways += [way for state in states for timer in state.timers for way in timer.transitions]
        unsure = [way for way in ways if way.guard is not None and may_fault(way.guard.node)]
        if unsure and not any(way.event == FAULT for way in ways):
            message = "if this guard has no value, `fault` comes, and no state handles it"
            fix = "add a transition on `fault`, or leave out `failure_policy: fail`"
            self.findings.report("NIM0419", message, unsure[0].place, fix, Severity.WARNING)

    def reserves(self) -> None:
        """NIM0415: what is put aside where nobody could refuse it."""
        for way in self.beside:
            for action in way.actions:
                if isinstance(action, BeginWork) and action.reserve is not None:
                    message = f"an answer begins `{action.work}`, and what it reserves could not be refused"
                    fix = "raise an event instead, and start it in the machine"
                    self.findings.report("NIM0415", message, way.place, fix)
        for path in lineage(leaf_of(self.root, "")):
            for action in self.states[path].enter:
                if isinstance(action, BeginWork) and action.reserve is not None:
                    work = self.interface.works[action.work]
                    message = (
                        f"the cell begins with `{work.name}`, and what it reserves could not be refused"
                    )
                    fix = "start it in a state that a transition enters"
                    self.findings.report("NIM0415", message, work.place, fix)

    def refusals(self) -> None:
        """NIM0411: nothing can be put aside where there was not enough already."""
        for state in self.states.values():
            for way in state.transitions:
                if way.event == REFUSED and (works := self.reserved.get(id(way))):
                    message = f"a transition on `refused` is free, and `{works[0]}` that it begins reserves"
                    fix = f"lead to a state that does not begin `{works[0]}`, and on from there by a timer"
                    self.findings.report("NIM0411", message, way.place, fix)

    def own_states(self) -> None:
        """NIM0405: a state that `state` is compared with, and the cell does not have."""
        parts = (*self.states.values(), *self.beside)
        told = {id(one): one for part in parts for one in expressions_in(part)}
        for expression in told.values():
            if not expression.reads(STATE_ROOT):
                continue
            for _, written in compared(expression.node, lambda node: "state" * (node == Name("state"))):
                wrong = no_state(self.interface.name, str(written.value), self.leaves)
                if wrong is not None:
                    self.findings.report("NIM0405", wrong[0], expression.place, wrong[1])

    def timers(self) -> None:
        """NIM0410: a timer whose transition is refused or guarded off is used up (SEMANTICS 1.4)."""
        told: set[int] = set()
        for leaf in self.leaves:
            ways = [way for way in self.ways[leaf] if not way[1].internal]
            if not ways or not all(
                timed and (transition.guard is not None or id(transition) in self.dear)
                for _, transition, timed in ways
            ):
                continue
            transition = ways[0][1]
            if id(transition) not in told:
                told.add(id(transition))
                message = (
                    f"every timer of `{leaf}` can be refused or guarded off, and nothing else leads out"
                )
                fix = "add a transition on `refused`, or a timer without `if` and `cost`"
                if not any(id(way) in self.dear for _, way, _ in ways):
                    message = f"every timer of `{leaf}` can be guarded off, and nothing else leads out"
                    fix = "leave out the last `if`, or add a timer without one"
                self.findings.report("NIM0410", message, transition.place, fix)

    def work(self) -> None:
        """NIM0407, NIM0408 and NIM0409."""
        started = {action.work for action in self._actions() if isinstance(action, BeginWork)}
        for name, work in self.interface.works.items():
            if name in self.interface.answering:
                continue
            if name not in started:
                message = f"no state starts the work `{name}`"
                fix = f"start it with `{{work: {name}}}`, or remove it"
                self.findings.report("NIM0407", message, work.place, fix)
                continue
            for outcome, code in (("done", "NIM0407"), ("failed", "NIM0408"), ("unknown", "NIM0409")):
                event = work.outcomes.get(outcome)
                if event is not None and not self._misnamed(work, outcome, event):
                    self._comes_back(name, event, code)

    def _misnamed(self, work: Work, outcome: str, event: str) -> bool:
        """NIM0407: an outcome whose name no state knows, beside states that wait for one nobody brings."""
        taken = {way.event for state in self.states.values() for way in state.transitions}
        if event in taken or outcome not in work.places:
            return False
        likely = did_you_mean(event, taken - {*self.interface.events})
        if likely is None:
            return False
        message = f"`{work.name}` can come back with `{event}`, and no state handles it"
        self.findings.report("NIM0407", message, work.places[outcome], f"did you mean `{likely}`?")
        return True

    def _comes_back(self, name: str, event: str, code: str) -> None:
        """Work that a state starts on entry must be taken there; other work anywhere."""
        place = self.interface.works[name].place
        owners = [path for path, state in self.states.items() if _starts(state, name)]
        for path in owners or [""]:
            inside = [
                leaf for leaf in self.leaves if not path or leaf == path or leaf.startswith(path + "/")
            ]
            if not any(t.event == event or timed for leaf in inside for _, t, timed in self.ways[leaf]):
                where = f"the state `{path}` does not handle it" if path else "no state handles it"
                message = f"`{name}` can come back with `{event}`, and {where}"
                self.findings.report(code, message, place, f"add a transition on `{event}`")
                return

    def begun_anew(self) -> None:
        """NIM0417: units are asked for anew where a state is come back to, and not waited for there."""
        lent = {name for name, work in self.interface.works.items() if work.acquire is not None}
        for way in (
            way for state in self.states.values() for way in ways_of(state) if way.history and lent
        ):
            for path in (
                one for one in self.states if one == way.target or one.startswith(f"{way.target}/")
            ):
                for name in sorted(lent.intersection(_begun(self.states[path]))):
                    self._missed(way, path, name)

    def _missed(self, way: Transition, path: str, name: str) -> None:
        event = self.interface.works[name].outcomes["done"]
        inside = [leaf for leaf in self.leaves if leaf.startswith(f"{path}/")]
        deaf = [leaf for leaf in inside if not any(t.event == event for _, t, _ in self._ways(leaf))]
        if deaf and len(deaf) < len(inside):
            message = f"back in `{deaf[0]}`, `{name}` begins anew, and `{event}` is not waited for there"
            fix = f"take `{event}` in `{deaf[0]}` too, or leave out `history`"
            self.findings.report("NIM0417", message, way.place, fix, Severity.WARNING)

    def _actions(self) -> Iterator[object]:
        for state in self.states.values():
            yield from (*state.enter, *state.exit)
            edges = [*state.transitions, *(t for timer in state.timers for t in timer.transitions)]
            for transition in edges:
                yield from transition.actions
        for transition in self.beside:
            yield from transition.actions


def _begun(state: State) -> list[str]:
    return [action.work for action in state.enter if isinstance(action, BeginWork)]


def _starts(state: State, work: str) -> bool:
    return work in _begun(state)


def _replies(actions: tuple[Action, ...]) -> bool:
    return any(isinstance(action, ReplyToAsk) for action in actions)
