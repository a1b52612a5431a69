"""What a transition that is undone gives back to the context of its step."""

from __future__ import annotations

from runtime.kernel.step_context import StepContext


class Saved:
    """What a context must get back when a transition is undone."""

    def __init__(self, context: StepContext) -> None:
        self.plain = {name: getattr(context, name) for name in _PLAIN}
        self.lengths = len(context.records), len(context.queue)
        self.effects = list(context.effects)
        self.works = dict(context.works)
        self.timers = dict(context.timers)

    def restore(self, context: StepContext) -> None:
        """Makes the context what it was."""
        for name, value in self.plain.items():
            setattr(context, name, value)
        records, queued = self.lengths
        del context.records[records:]
        while len(context.queue) > queued:
            context.queue.pop()
        context.effects, context.works, context.timers = self.effects, self.works, self.timers


_PLAIN = ("data", "hold", "request", "serving", "answered", "effect_number", "generation")
