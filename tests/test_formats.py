"""Hashes and bytes hang on no name of a class and on no order of fields (docs/formats.md).

The whole source is copied, every class of the compiled program, of expressions, events, effects, commands,
records and lines gets another name, the fields of the program's parts are turned round, and the copy must
write what the original writes.
"""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("nimdsl", "runtime", "gardens", "simulate", "specs")
NAMED = (
    *(
        f"nimdsl.program.{name}"
        for name in (
            "actor",
            "attention",
            "economy",
            "flatten",
            "machine",
            "protocol",
            "schema",
            "work",
        )
    ),
    "nimdsl.expression.syntax",
    "runtime.kernel.events",
    "runtime.kernel.effects",
    "runtime.kernel.snapshot",
    "runtime.kernel.beat",
    "runtime.ledger.accounts",
    "runtime.records",
    "runtime.run.lines",
    "gardens.real.process.wishes",
)
WHAT_IS_WRITTEN = """
import hashlib, json, sys
import nimdsl, simulate
from gardens.stores.memory import MemoryJournal
from runtime.record_bytes import encode
found = {}
for name in ("spark-crash", "danger", "hostile"):
    journal = MemoryJournal()
    result = simulate.run(nimdsl.load(), name, journal=journal)
    lines = [entry for actor in journal.actors() for entry in journal.read(actor)]
    found[name] = [
        result.program.sha256,
        result.summary["trace_sha256"],
        hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest(),
        hashlib.sha256(b"".join(encode(record)[0] for record in result.records())).hexdigest(),
        len(lines),
    ]
print(json.dumps(found))
"""


def classes_of(module: str) -> set[str]:
    """The classes that a module defines."""
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


CLASSES = {module: classes_of(module) for module in NAMED}
DOORS = {
    "nimdsl.program": set().union(*(CLASSES[m] for m in NAMED if m.startswith("nimdsl.program"))),
    "runtime.ledger.economy": CLASSES["runtime.ledger.accounts"],
}
"""Packages that give out the classes of the modules in them."""


def renamed(path: Path) -> str:
    """A source file in which every one of these classes has another name."""
    text = path.read_text(encoding="utf-8")
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    own, through = set(CLASSES.get(module, ())), set()
    imports: dict[int, set[str]] = {}
    """By line, within imports: which names are to be changed there."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            known = CLASSES.get(node.module) or DOORS.get(node.module, set())
            own |= {one.name for one in node.names if one.name in known and not one.asname}
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            wanted = {one.name for one in node.names if one.name in known}
            imports |= dict.fromkeys(lines, wanted)
            through |= {
                one.asname or one.name for one in node.names if f"{node.module}.{one.name}" in CLASSES
            }
    every = set().union(*CLASSES.values())
    before: list[str] = ["", ""]
    changed = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        string = token.string
        if token.type == tokenize.NAME:
            here = imports.get(token.start[0], own)
            inside = before[-1] == "." and before[-2] in through and string in every
            if (string in here and before[-1] not in (".", "as")) or inside:
                string = f"Other{string}"
        elif token.type == tokenize.STRING and module in DOORS and string.strip('"') in own:
            string = f'"Other{string.strip(chr(34))}"'
        changed.append((token.type, string))
        before = [*before[-1:], token.string]
    return tokenize.untokenize(changed)


def written(folder: Path) -> object:
    """What the source in a folder writes."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WHAT_IS_WRITTEN],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_other_names_of_classes_change_no_hash_and_no_byte(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    count = 0
    for path in tmp_path.rglob("*.py"):
        original = ROOT / path.relative_to(tmp_path)
        new = renamed(original)
        count += new.count("class Other")
        path.write_text(new, encoding="utf-8")
    assert count == sum(map(len, CLASSES.values())), "every one of them was renamed"
    assert written(tmp_path) == written(ROOT)
