"""Work in the real garden: done by a Python callable, by a service on the bus, or by the document itself.

``document`` answers at once with what the model returns.  A service that the
garden names as one of its ``stand_ins``, and work that names no driver, behave
as the whole model says, latency and failures included; crashes excepted.  Draws
are those of the virtual garden, so both gardens answer alike.

A callable gets the arguments as a dict and returns a mapping of what the work
declares under ``returns``.  It runs in a thread (an ``async def`` in the event
loop); a second parameter, if it has one, is a ``threading.Event`` that is set
when nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from nimdsl import canonical
from nimdsl.canonical import Plain
from nimdsl.errors import NimdslError, PermanentPortError
from nimdsl.expression.evaluate import Fault
from nimdsl.program import Garden, Work
from nimdsl.units import SECOND_NS
from runtime.bus import Message, Questions
from runtime.events import Event
from runtime.host import finished
from runtime.models import Draws, WorkModels
from runtime.translator import Translator
from runtime.values import Mismatch, conform
from runtime.wire import OUTSIDE

THREAD_COUNT_MAX = 16
SERVICE_TIMEOUT_NS = 30 * SECOND_NS
SERVICE_ERROR = "Nats-Service-Error"
"""The header by which NATS services say that they failed."""
REASON_LENGTH_MAX = 200

Done = Callable[[Event], None]
Outcome = tuple[str, Mapping[str, Plain], str]
"""How work ended: done or another outcome, what it returned, why it did not."""


def driver_of(work: Work, stand_ins: frozenset[str]) -> str:
    """Who does it: ``python``, ``service``, ``document`` or ``model``."""
    real = work.real
    if "python" in real:
        return "python"
    if "service" in real:
        return "model" if real["service"] in stand_ins else "service"
    return "document" if real.get("document") else "model"


class Works:
    """The work under way in one process."""

    def __init__(
        self,
        garden: Garden,
        twin: Garden,
        seed: int,
        questions: Questions,
        translator: Translator,
        after: Callable[[int, Callable[[], None]], Callable[[], None]],
    ) -> None:
        real = garden.real
        assert real is not None
        self._stand_ins = real.stand_ins
        inventory = garden if garden.inventory else twin
        self._models = WorkModels(Draws(seed), inventory)
        self._questions = questions
        self._translator = translator
        self._after = after
        self._pool = ThreadPoolExecutor(THREAD_COUNT_MAX, thread_name_prefix="work")
        self._loop = asyncio.get_running_loop()
        self._cancels: dict[tuple[str, int], Callable[[], None]] = {}

    @property
    def count(self) -> int:
        """How much is under way."""
        return len(self._cancels)

    def start(self, actor: str, work: Work, number: int, arguments: Plain, done: Done) -> None:
        """Starts work; ``done`` gets the event by which it comes back, later and once."""
        key = (actor, number)

        def end(outcome: Outcome) -> None:
            if self._cancels.pop(key, None) is not None:
                kind, values, reason = outcome
                done(finished(number, kind, dict(values), reason[:REASON_LENGTH_MAX]))

        if work.produces:
            self._at_once(key, end, lambda: {"text": self._translator.translate(arguments)})
            return
        match driver_of(work, self._stand_ins):
            case "python":
                self._call(key, work, arguments, end)
            case "service":
                self._ask(key, work, arguments, end)
            case "document":
                self._at_once(key, end, lambda: self._models.values(actor, work, number, arguments))
            case _:
                self._act_like_the_model(key, work, arguments, end)

    def cancel(self, actor: str, number: int) -> None:
        """Nobody waits for it any more."""
        cancel = self._cancels.pop((actor, number), None)
        if cancel is not None:
            cancel()

    def close(self) -> None:
        """Cancels everything; threads that do not listen end with the process."""
        for cancel in list(self._cancels.values()):
            cancel()
        self._cancels.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    # The drivers

    def _at_once(
        self,
        key: tuple[str, int],
        end: Callable[[Outcome], None],
        values: Callable[[], Mapping[str, Plain]],
    ) -> None:
        def act() -> None:
            try:
                end(("done", values(), ""))
            except (Fault, NimdslError) as problem:
                end(("failed", {}, str(problem)))

        self._cancels[key] = self._loop.call_soon(act).cancel

    def _act_like_the_model(
        self, key: tuple[str, int], work: Work, arguments: Plain, end: Callable[[Outcome], None]
    ) -> None:
        actor, number = key
        tame = replace(work, virtual=replace(work.virtual, crash=0)) if work.virtual else work
        ends = self._models.outcome(actor, tame, number, arguments, 0)
        outcome: Outcome = (ends.outcome, ends.values, ends.reason)
        self._cancels[key] = self._after(ends.latency_ns, lambda: end(outcome))

    def _ask(
        self, key: tuple[str, int], work: Work, arguments: Plain, end: Callable[[Outcome], None]
    ) -> None:
        service = str(work.real["service"])

        def answered(message: Message | None) -> None:
            end(_read(work, service, message))

        self._cancels[key] = lambda: None
        question = Message(OUTSIDE + service, canonical.encode(arguments))
        try:
            self._questions.ask(question, SERVICE_TIMEOUT_NS, answered)
        except PermanentPortError as problem:
            end(("failed", {}, str(problem)))

    def _call(
        self, key: tuple[str, int], work: Work, arguments: Plain, end: Callable[[Outcome], None]
    ) -> None:
        cancelled = threading.Event()
        task = self._loop.create_task(self._called(work, arguments, cancelled, end))

        def cancel() -> None:
            cancelled.set()
            task.cancel()

        self._cancels[key] = cancel

    async def _called(
        self, work: Work, arguments: Plain, cancelled: threading.Event, end: Callable[[Outcome], None]
    ) -> None:
        try:
            function = callable_of(str(work.real["python"]))
            given = [arguments, cancelled][: _parameter_count(function)]
            if inspect.iscoroutinefunction(function):
                returned = await function(*given)
            else:
                returned = await self._loop.run_in_executor(self._pool, lambda: function(*given))
            values = conform(work.returns, returned)
        except asyncio.CancelledError:
            raise
        except Mismatch as mismatch:
            end(("failed", {}, f"{work.real['python']} returned something else: {mismatch}"))
        except Exception as problem:
            end(("failed", {}, f"{type(problem).__name__}: {problem}"))
        else:
            end(("done", values, ""))


def callable_of(path: str) -> Callable[..., Any]:
    """What ``module:function`` names.  Raises NimdslError when there is none."""
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as problem:
        raise NimdslError(f"there is no `{path}`: {problem}") from None
    if not callable(found):
        raise NimdslError(f"`{path}` cannot be called")
    return found  # type: ignore[no-any-return]


def _parameter_count(function: Callable[..., Any]) -> int:
    """One for the arguments, two for who wants to know when it is cancelled."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return min(2, len(plain))


def _read(work: Work, service: str, message: Message | None) -> Outcome:
    if message is None:
        return "failed", {}, f"the service {service} did not answer"
    if message.status:
        return "failed", {}, f"nobody serves {service}"
    if SERVICE_ERROR in message.headers:
        return "failed", {}, message.headers[SERVICE_ERROR]
    try:
        return "done", conform(work.returns, canonical.decode(message.data) if message.data else None), ""
    except (Mismatch, ValueError) as problem:
        return "failed", {}, f"the service {service} answered something else: {problem}"
