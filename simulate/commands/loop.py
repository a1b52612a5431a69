"""``nimdsl loop``: a thin layer over :func:`simulate.loop.run_loop`."""

from __future__ import annotations

import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimdsl.commands.options import Format, Page, Printed, Root, Seed, Specs

if TYPE_CHECKING:
    from simulate.loop import LoopResult
    from simulate.pair import Pair


def command(
    virtual: Annotated[str, typer.Argument(help="The garden that explores: it has `signals`.")],
    real: Annotated[str, typer.Argument(help="The real garden, whose `real` names a scenario.")],
    beats: Annotated[int, typer.Option(min=1, max=100_000, help="How many beats both live.")] = 10,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="The real one's scenario in its virtual garden: no waiting.")
    ] = False,
    specs: Specs = None,
    root: Root = None,
    seed: Seed = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, max=10_000, help="Garden seconds in a second; default: the real garden's."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for both runs (`virtual`, `real`) and `predictions.json`.")
    ] = None,
    report_: Page = None,
    format_: Printed = Format.TEXT,
) -> None:
    """Let a virtual garden explore for a real one, and learn from what becomes of it there.

    Example: nimdsl loop dream den --beats 40 --report loop.html
    """
    from gardens.report.outputs import Outputs
    from nimdsl.commands.options import folders_of, program_of
    from simulate.commands.loop_output import present
    from simulate.pair import REAL, VIRTUAL, pair_of

    program = program_of(specs, root)
    for name in (VIRTUAL, REAL):
        Outputs(report_, None, out / name if out else None).check(program)
    folders = folders_of(specs, root)
    pair = pair_of(program, virtual, real, beats, seed=seed, rate=rate, rehearse=rehearse, folders=folders)
    result = _led(pair, beats, out, report_)
    present(result, format_, out, report_)
    if not result.ok:
        raise typer.Exit(1)


def _led(pair: Pair, beats: int, out: Path | None, report: Path | None) -> LoopResult:
    """Leads both gardens; keeps and draws what came of it."""
    from gardens.report.terminal.progress import Progress
    from nimdsl.base.atomic_file import interrupted_by, whole
    from runtime.run.predictions import Predictions
    from simulate.commands.loop_output import draw, keep, told
    from simulate.loop import run_loop
    from simulate.pair import sides

    with ExitStack() as stack:
        stack.enter_context(interrupted_by(signal.SIGTERM, signal.SIGHUP))
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nimdsl-loop-")))
        page = stack.enter_context(whole(report)) if report else None
        explores, lives = stack.enter_context(sides(pair, folder))
        with Progress() as progress:

            def tell(beat: int, predictions: Predictions) -> None:
                progress.show(f"beat {beat} of {beats}: {told(predictions.made)}", beat / beats)

            progress.show("starting")
            result = run_loop(pair.rules, explores, lives, beats, pair.beat_ns, tell)
        if out is not None:
            keep(result, out)
        if page is not None:
            page.write(draw(result))
    return result
