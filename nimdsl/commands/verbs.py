"""The verbs: found through entry points, loaded when called, listed without being loaded.

The line beside a verb in ``nimdsl --help`` is the first line of its function's
docstring, read from the source file without importing it.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from nimdsl import __version__
from nimdsl.base.plugins import load, module_of
from nimdsl.commands.failures import OWN_PACKAGES, UsageError

GROUP = "nimdsl.commands"
OWN = ("init", "validate", "explain", "show", "graph", "schema")
"""The language's own verbs, which are there without an installation."""
GROUPS = {
    "Write": ("init", "validate", "explain", "schema"),
    "Run": ("simulate", "run", "loop", "replay", "seance", "compare"),
    "Look": ("show", "graph"),
    "Operate": ("up", "status", "pause", "resume", "down"),
}
"""How verbs are listed; those of other packages follow by name."""
OTHERS = "From other packages"

EPILOG = "`nimdsl VERB --help` shows what a verb can do, with an example."


def build() -> TyperGroup:
    """The command ``nimdsl`` with all its verbs."""
    app = typer.Typer(
        cls=_Verbs,
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        subcommand_metavar="VERB [ARGS]...",
        help="Phases, cells and lifeforce as YAML: validated, simulated and deployed as one program.",
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nimdsl {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Nothing but the options that stand before a verb."""


class _Verbs(TyperGroup):
    """A group whose commands are entry points."""

    @cached_property
    def found(self) -> dict[str, EntryPoint]:
        points = {point.name: point for point in entry_points(group=GROUP)} or _own()
        known = [name for names in GROUPS.values() for name in names if name in points]
        return {name: points[name] for name in [*known, *sorted(set(points) - set(known))]}

    @property
    def grouped(self) -> dict[str, list[str]]:
        """What was found, as it is listed; no group is empty."""
        own = {title: [name for name in names if name in self.found] for title, names in GROUPS.items()}
        listed = {name for names in own.values() for name in names}
        groups = own | {OTHERS: [name for name in self.found if name not in listed]}
        return {title: names for title, names in groups.items() if names}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(self.found)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in self.found:
            names: Any = dict.fromkeys(self.found)
            self.commands = names  # what typer looks through for "did you mean"
            return None
        return _command(cmd_name, self.found[cmd_name])

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        width = max(map(len, self.found), default=0)
        for title, names in self.grouped.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), summary(self.found[name])) for name in names])


def _own() -> dict[str, EntryPoint]:
    """The language's own verbs, for a checkout that is not installed."""
    return {name: EntryPoint(name, f"nimdsl.commands.{name}:command", GROUP) for name in OWN}


def _command(name: str, point: EntryPoint) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    is_own = module_of(point).partition(".")[0] in OWN_PACKAGES
    function = point.load() if is_own else load(point)  # what one of ours lacks is an extra
    settings = {"help_option_names": ["-h", "--help"]}
    app.command(name, cls=_Verb, context_settings=settings)(function)
    command = typer.main.get_command(app)
    assert isinstance(command, _Verb)
    command.paths = frozenset(_paths_among_parameters(function))
    return command


def _paths_among_parameters(function: Callable[..., object]) -> Iterator[str]:
    for name, hint in get_type_hints(function).items():
        if Path in (hint, *get_args(hint), *(part for arg in get_args(hint) for part in get_args(arg))):
            yield name


class _Verb(TyperCommand):
    """A command that takes no empty path: what a shell leaves of an unset variable names no folder."""

    paths: frozenset[str] = frozenset()
    """The parameters that are paths."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        for parameter in self.params:
            value = given.get(parameter.name or "")
            if parameter.name in self.paths and "" in (
                value if isinstance(value, list | tuple) else [value]
            ):
                label = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
                fix = "name a file or a folder" + ("" if parameter.required else ", or leave it out")
                raise UsageError(f"`{label}` is empty: {fix}", ctx)
        return super().parse_args(ctx, args)


def summary(point: EntryPoint) -> str:
    """The first line of the docstring of an entry point's function; empty when it cannot be read."""
    try:
        tree = ast.parse(_source(point.module).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError, ImportError, AttributeError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == point.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def _source(module: str) -> Path:
    """The file of a module.  Its package is located, not imported."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(module)
    path = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
