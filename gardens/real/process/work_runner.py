"""Work in the real garden: done by a Python callable, by a service on the bus, or by the document itself.

``document`` answers at once with what the model returns.  A service that the
garden names as one of its ``stand_ins``, and work that names no driver, behave
as the whole model says, latency and failures included; crashes excepted.  Draws
are those of the virtual garden, so both gardens answer alike.

A callable gets the arguments as a dict and returns a mapping of what the work
declares under ``returns``.  It is imported and runs in a thread (an ``async def``
in the event loop); a second parameter, if it has one, is a ``threading.Event``
that is set when nobody waits for it any more.  Whatever it raises, work comes
back: an exception is ``failed``, so is a value that could not be journalled.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nimdsl.base import canonical
from nimdsl.base.errors import NimdslError, PermanentPortError
from nimdsl.base.units import SECOND_NS
from nimdsl.base.values import Fields
from nimdsl.expression.evaluate import Fault
from nimdsl.program import Garden, Work
from runtime.chance.models import Draws, WorkModels
from runtime.kernel.events import Finished
from runtime.kernel.values import Mismatch, conform
from runtime.ports.bus import Message
from runtime.ports.requests import RequestClient
from runtime.ports.translator import Translator
from runtime.run.wire import OUTSIDE

THREAD_COUNT_MAX = 16
SERVICE_TIMEOUT_NS = 30 * SECOND_NS
"""How long a service may take; wall clock."""
SERVICE_ERROR = "Nats-Service-Error"
"""The header by which NATS services say that they failed."""
VALUES_BYTES_MAX = 512 * 1024
"""What work may return: a line of the journal holds it, with room for what becomes of it."""
REASON_LENGTH_MAX = 200

Done = Callable[[Finished], None]
Outcome = tuple[str, Fields, str]
"""How work ended: done or another outcome, what it returned, why it did not."""


def driver_of(work: Work, stand_ins: frozenset[str]) -> str:
    """Who does it: ``python``, ``service``, ``document`` or ``model``."""
    real = work.real
    if "python" in real:
        return "python"
    if "service" in real:
        return "model" if real["service"] in stand_ins else "service"
    return "document" if real.get("document") else "model"


class WorkRunner:
    """The work under way in one process."""

    def __init__(
        self,
        garden: Garden,
        twin: Garden,
        seed: int,
        questions: RequestClient,
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
        self._threads = _Threads(THREAD_COUNT_MAX)
        self._callables: dict[str, Callable[..., Any]] = {}
        self._loop = asyncio.get_running_loop()
        self._cancels: dict[tuple[str, int], Callable[[], None]] = {}
        self._ends: dict[tuple[str, int], Callable[[Outcome], None]] = {}
        self._revokes: dict[tuple[str, int], Callable[[], None]] = {}

    @property
    def count(self) -> int:
        """How much is under way."""
        return len(self._cancels)

    def start(self, actor: str, work: Work, number: int, arguments: Fields, done: Done) -> None:
        """Starts work; ``done`` gets the event by which it comes back, later and once."""
        key = (actor, number)

        def end(outcome: Outcome) -> None:
            if self._cancels.pop(key, None) is not None:
                self._forget(key)
                kind, values, reason = _bounded(outcome)
                done(Finished(number, kind, dict(values), reason))

        self._ends[key] = end
        if work.produces:
            self._soon(key, end, lambda: {"text": self._translator.translate(arguments)})
            return
        match driver_of(work, self._stand_ins):
            case "python":
                self._call(key, work, arguments, end)
            case "service":
                self._ask(key, work, arguments, end)
            case "document":
                self._soon(key, end, lambda: self._models.values(actor, work, number, arguments))
            case _:
                self._act_like_the_model(key, work, arguments, end)

    def cancel(self, actor: str, number: int) -> None:
        """Nobody waits for it any more."""
        self._forget((actor, number))
        cancel = self._cancels.pop((actor, number), None)
        if cancel is not None:
            cancel()

    def revoke(self, actor: str, number: int) -> bool:
        """Its time is over: it comes back as ``revoked``, a thread when it has really ended.

        False for work that is not under way.
        """
        key = (actor, number)
        if key not in self._cancels:
            return False
        revoke = self._revokes.pop(key, None)
        if revoke is not None:
            revoke()
            return True
        cancel, end = self._cancels[key], self._ends[key]
        cancel()
        self._loop.call_soon(end, ("revoked", {}, ""))
        return True

    def _forget(self, key: tuple[str, int]) -> None:
        self._ends.pop(key, None)
        self._revokes.pop(key, None)

    def close(self) -> None:
        """Cancels everything; threads that do not listen end with the process."""
        for cancel in list(self._cancels.values()):
            cancel()
        self._cancels.clear()

    # The drivers

    def _soon(
        self,
        key: tuple[str, int],
        end: Callable[[Outcome], None],
        values: Callable[[], Fields],
    ) -> None:
        def act() -> None:
            try:
                outcome: Outcome = "done", values(), ""
            except (Fault, NimdslError) as problem:
                outcome = "failed", {}, str(problem)
            end(outcome)

        self._cancels[key] = self._loop.call_soon(act).cancel

    def _fail(self, key: tuple[str, int], end: Callable[[Outcome], None], problem: NimdslError) -> None:
        self._cancels[key] = self._loop.call_soon(end, ("failed", {}, str(problem))).cancel

    def _act_like_the_model(
        self, key: tuple[str, int], work: Work, arguments: Fields, end: Callable[[Outcome], None]
    ) -> None:
        actor, number = key
        tame = replace(work, virtual=replace(work.virtual, crash=0)) if work.virtual else work
        try:
            ends = self._models.outcome(actor, tame, number, arguments, 0)
        except NimdslError as problem:
            self._fail(key, end, problem)
            return
        outcome: Outcome = (ends.outcome, ends.values, ends.reason)
        self._cancels[key] = self._after(ends.latency_ns, lambda: end(outcome))

    def _ask(
        self, key: tuple[str, int], work: Work, arguments: Fields, end: Callable[[Outcome], None]
    ) -> None:
        service = str(work.real["service"])
        question = Message(OUTSIDE + service, canonical.encode(arguments))
        self._cancels[key] = lambda: None
        try:
            self._questions.ask(
                question, SERVICE_TIMEOUT_NS, lambda answer: end(_read(work, service, answer))
            )
        except PermanentPortError as problem:
            self._fail(key, end, problem)

    def _call(
        self, key: tuple[str, int], work: Work, arguments: Fields, end: Callable[[Outcome], None]
    ) -> None:
        cancelled = threading.Event()
        task = self._loop.create_task(self._called(work, arguments, cancelled, end))

        def cancel() -> None:
            cancelled.set()
            task.cancel()

        def revoke() -> None:
            cancelled.set()
            if inspect.iscoroutinefunction(self._callables.get(str(work.real["python"]))):
                task.cancel()
                end(("revoked", {}, ""))

        self._cancels[key] = cancel
        self._revokes[key] = revoke

    async def _called(
        self, work: Work, arguments: Fields, cancelled: threading.Event, end: Callable[[Outcome], None]
    ) -> None:
        path = str(work.real["python"])
        try:
            returned = await self._returned(path, arguments, cancelled)
            outcome: Outcome = "done", conform(work.returns, returned), ""
        except Mismatch as mismatch:
            outcome = "failed", {}, f"{path} returned something else: {mismatch}"
        except asyncio.CancelledError as problem:
            if cancelled.is_set():
                raise
            outcome = "failed", {}, _words(problem)
        except BaseException as problem:
            outcome = "failed", {}, _words(problem)
        end(outcome)

    async def _returned(self, path: str, arguments: Fields, cancelled: threading.Event) -> Any:
        function = self._callables.get(path)
        if function is None:
            function = self._callables[path] = await self._threads.call(lambda: callable_of(path))
        own = canonical.decode(canonical.encode(arguments))  # theirs to change
        given = [own, cancelled][: _parameter_count(function)]
        if inspect.iscoroutinefunction(function):
            return await function(*given)
        returned = await self._threads.call(lambda: function(*given))
        return await returned if inspect.isawaitable(returned) else returned


class _Threads:
    """Calls in threads, at most so many at once; none keeps the process from ending."""

    def __init__(self, count_max: int) -> None:
        self._free = asyncio.Semaphore(count_max)
        self._loop = asyncio.get_running_loop()

    async def call(self, function: Callable[[], Any]) -> Any:
        """What ``function`` returns or raises; when this is cancelled it goes on, and keeps its place."""
        await self._free.acquire()
        ended: asyncio.Future[tuple[Any, BaseException | None]] = self._loop.create_future()

        def end(returned: Any, problem: BaseException | None) -> None:
            self._free.release()
            if not ended.done():
                ended.set_result((returned, problem))

        def run() -> None:
            returned, problem = None, None
            try:
                returned = function()
            except BaseException as raised:
                problem = raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(end, returned, problem)

        threading.Thread(target=run, name="work", daemon=True).start()
        returned, problem = await ended
        if problem is not None:
            raise problem
        return returned


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
    any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return min(2, max(len(plain), any_number))


def _read(work: Work, service: str, message: Message | None) -> Outcome:
    if message is None:
        return "failed", {}, f"the service {service} did not answer"
    if message.status:
        return "failed", {}, f"nobody serves {service}"
    if SERVICE_ERROR in message.headers:
        return "failed", {}, message.headers[SERVICE_ERROR]
    try:
        return "done", conform(work.returns, canonical.decode(message.data) if message.data else None), ""
    except (ValueError, RecursionError) as problem:
        return "failed", {}, f"the service {service} answered something else: {problem}"


def _bounded(outcome: Outcome) -> Outcome:
    """What the journal can hold."""
    kind, values, reason = outcome
    size = len(canonical.encode(values))
    if size > VALUES_BYTES_MAX:
        return "failed", {}, f"it returned {size:,} bytes, and may return {VALUES_BYTES_MAX:,}"
    return kind, values, reason[:REASON_LENGTH_MAX].encode(errors="backslashreplace").decode()


def _words(problem: BaseException) -> str:
    try:
        return str(problem) if isinstance(problem, NimdslError) else f"{type(problem).__name__}: {problem}"
    except Exception:
        return type(problem).__name__
