"""Weights of fields learned on a development split: each in turn is tried smaller and larger, and the best is kept."""

from collections.abc import Callable, Mapping

STEPS = (0.0, 0.25, 0.5, 0.75, 1.5, 2.0, 4.0)


def weigh(
    judge: Callable[[Mapping[str, float]], float], start: Mapping[str, float], rounds: int = 2, gain: float = 1e-3
) -> dict[str, float]:
    """The weights under which `judge` is highest, by coordinates. A change must gain `gain`: simple weights stay.

    >>> weigh(lambda weights: -abs(weights["a"] - 2) - abs(weights["b"] - 0.5), {"a": 1.0, "b": 1.0})
    {'a': 2.0, 'b': 0.5}
    """
    best, value = dict(start), judge(start)
    for _ in range(rounds):
        before = dict(best)
        for name in start:
            tried = {step: {**best, name: before[name] * step} for step in STEPS}
            for weights in tried.values():
                if (found := judge(weights)) > value + gain:
                    best, value = weights, found
        if best == before:
            break
    return best
