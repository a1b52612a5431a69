"""Mistakes that people make, at random, in the shipped documents: each is told at its line, its fix works.

``NIMDSL_EFFORT=20`` makes 540 with each of three seeds; ``NIMDSL_MUTATED`` names more files for them.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.nimdsl.mutation import of_text, of_values, of_words
from tests.nimdsl.mutation.documents import groups
from tests.nimdsl.mutation.judge import Verdict, errors_of, judged
from tests.nimdsl.mutation.mutants import mutants
from tests.support.effort import EFFORT

SEEDS = (1, 2, 3) if EFFORT > 1 else (1,)
COUNT = 540 if EFFORT > 1 else 120
CAUGHT_MIN, EXACT_MIN, FIXED_MIN = 1.0, 0.99, 0.95
GROUPS = groups()
MUTATORS = {**of_words.MUTATORS, **of_values.MUTATORS, **of_text.MUTATORS}


def test_the_documents_are_sound_before_they_are_mutated() -> None:
    for group in GROUPS:
        assert not errors_of({file.name: file.text for file in group.files}), group.name


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_are_caught_at_their_line_and_their_fixes_work(seed: int) -> None:
    verdicts = [judged(mutant) for mutant in mutants(GROUPS, MUTATORS, seed, COUNT)]
    determined = [one for one in verdicts if one.mutant.determined]
    caught = sum(one.caught for one in verdicts) / len(verdicts)
    exact = sum(one.exact for one in verdicts) / len(verdicts)
    fixed = sum(one.fixed for one in determined) / len(determined)
    print(f"seed {seed}: {len(verdicts)} mutants, {caught:.1%} caught, {exact:.1%} at their line,")
    print(f"{len(determined)} determined, of which {fixed:.1%} have a fix that works")
    assert len({one.mutant.mutator for one in verdicts}) >= 0.9 * len(MUTATORS)
    assert caught >= CAUGHT_MIN, told(one for one in verdicts if not one.caught)
    assert exact >= EXACT_MIN, told(one for one in verdicts if not one.exact)
    assert fixed >= FIXED_MIN, told(one for one in determined if not one.fixed)


def told(missed: object) -> str:
    """The verdicts, and how often each mutator is among them."""
    found = [one for one in missed if isinstance(one, Verdict)]  # type: ignore[attr-defined]
    counts = Counter(one.mutant.mutator for one in found)
    return "\n".join([str(counts.most_common()), *(one.told() for one in found[:20])])
