"""When a run in a real garden is over, why, and when that was (SEMANTICS 8.6, 8.7)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from gardens.real.clock import Clock
from gardens.real.patience import Patience
from gardens.real.supervisor.stillness import Stillness, waits
from nimdsl.base.units import SECOND_NS
from nimdsl.program import Scenario
from runtime.run.run import WIND_DOWN_NS, Stopped

LOOK_EVERY_S = 0.05
DUE_SILENCE_S = 10.0
"""How long timers that are late may hold up the end of a run while nobody takes any."""
WIND_DOWN_S_MIN = 0.5
WIND_DOWN_FACTOR_MAX = 10
"""A machine that is busy gets so many times as long, as long as messages are still sent and heard."""
Said = list[dict[str, Any] | None]
"""What each process says of itself; None for one that does not answer."""


class Ending:
    """Looks at a garden until its run is over; ``order_all`` orders something of every process.

    One that is ``lasting`` is not over before its horizon because nothing is left to happen.
    """

    def __init__(
        self,
        order_all: Callable[[str], Awaitable[Said]],
        clock: Clock,
        scenario: Scenario,
        *,
        lasting: bool = False,
    ) -> None:
        self._lasting = lasting
        self._order_all = order_all
        self._clock = clock
        self._scenario = scenario

    async def until_over(self) -> tuple[Stopped, int | None]:
        """Why the run ended, and when its purses are to be closed: at the last event that was taken,
        however late the silence was noticed; None: at the horizon, which is over."""
        still = Stillness(with_timers=True)
        while True:
            is_late = self._clock.now_ns() >= self._scenario.horizon_ns
            if is_late:
                await self._until_none_due()
            said = await self._order_all("status")
            starved = [one["starved_ns"] for one in said if one and one["starved_ns"] is not None]
            if starved:
                return "starved", min(starved)
            if self._has_ended(said):
                await self._wind_down()
                return "final", await self._active_ns()
            if is_late and await self._was_stopped():
                return "horizon", None
            if is_late or (still.look(said) and not self._lasting):
                return "quiet", await self._active_ns()
            await asyncio.sleep(LOOK_EVERY_S)

    def _has_ended(self, said: Said) -> bool:
        """Whether the scenario's protocol has."""
        protocol = self._scenario.ends_with
        return bool(protocol) and any(
            one and one["actors"].get(protocol, {}).get("ended") and not one["waiting"] for one in said
        )

    async def _until_none_due(self) -> None:
        """What was due before the horizon is taken and paid, however late the machine is; for a while."""
        patience = Patience(DUE_SILENCE_S)
        while True:
            said = await self._order_all("status")
            if not any(one is None or one["due"] or one["unpaid"] for one in said):
                return
            if patience.is_over([one and (one["floor_ns"], one["unpaid"]) for one in said]):
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _was_stopped(self) -> bool:
        """Whether anything was left to happen when the horizon came."""
        still, patience = Stillness(with_timers=True), Patience(DUE_SILENCE_S)
        while not still.look(said := await self._order_all("status")):
            if any(one and waits(one) for one in said) or patience.is_over(_marks(said)):
                return True
            await asyncio.sleep(LOOK_EVERY_S)
        return False

    async def _wind_down(self) -> None:
        """What is on its way arrives; timers and stimuli do not happen any more."""
        await self._order_all("wind down")
        still = Stillness(with_timers=False)
        wait_s = max(WIND_DOWN_NS / SECOND_NS / self._clock.rate, WIND_DOWN_S_MIN)
        patience, give_up = Patience(wait_s), time.monotonic() + WIND_DOWN_FACTOR_MAX * wait_s
        while time.monotonic() < give_up and not still.look(said := await self._order_all("status")):
            if patience.is_over(_marks(said)):
                return
            await asyncio.sleep(LOOK_EVERY_S / 2)

    async def _active_ns(self) -> int:
        """When something was last taken."""
        said = await self._order_all("status")
        return max((one["active_ns"] for one in said if one), default=0)


def _marks(said: Iterable[Mapping[str, Any] | None]) -> list[object]:
    """Changes as long as messages are sent and heard."""
    return [one and (one["sent"], one["received"], one["waves"]) for one in said]
