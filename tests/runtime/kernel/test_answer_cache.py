"""A map that only grows: values never change, whatever grows from them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.values import Fields
from runtime.kernel.answer_cache import AnswerCache


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=60), st.integers(1, 8))
def test_every_value_stays_what_it_was(growths: list[tuple[int, int]], count_max: int) -> None:
    """Each growth starts from one of the last four values, so that histories branch."""
    values = [AnswerCache({}, count_max)]
    models: list[dict[str, Fields]] = [{}]
    for step, (number, back) in enumerate(growths):
        index = max(0, len(values) - 1 - back)
        key = f"{number}/{step}"
        values.append(values[index].with_one(key, {"step": step}))
        grown: dict[str, Fields] = {**models[index], key: {"step": step}}
        models.append(dict(list(grown.items())[-count_max:]))
    for value, model in zip(values, models, strict=True):
        assert dict(value.items()) == model
        assert list(value) == list(model)
        assert len(value) == len(model)
        assert all(value[key] == model[key] for key in model)
        assert all(value.get(f"{n}/{s}") == model.get(f"{n}/{s}") for n in range(10) for s in range(60))
        assert value == AnswerCache(model, count_max)
