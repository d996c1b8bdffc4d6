"""The formulas of a recipe, made ready to fill columns of a matrix from its other columns."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import EventRecipe
from salus.learning.formulas import Expression
from salus.learning.models.family import Matrix
from salus.learning.models.wide import Rows


class Deriving:
    """What `step3_features.derived` declared, column by column."""

    def __init__(self, recipe: EventRecipe) -> None:
        place = {feature.name: j for j, feature in enumerate(recipe.features)}
        self.steps = [
            (place[name], Expression(one.text), {said: [place[n] for n in names] for said, names in one.of.items()})
            for name, one in recipe.derived.items()
            if name in place
        ]

    def fill(self, made: Matrix, rows: npt.NDArray[np.int64]) -> None:
        """Fill the derived columns of these rows. `made`: shape (all rows, features)."""
        known = dict[tuple[int, ...], Matrix]()
        for j, expression, of in self.steps:
            for columns in of.values():
                key = tuple(columns)
                if key not in known:
                    known[key] = first_known(made, rows, columns)
            made[rows, j] = expression.value({said: known[tuple(columns)] for said, columns in of.items()})


def first_known(made: Rows, rows: npt.NDArray[np.int64], columns: Sequence[int]) -> Matrix:
    """Of several columns the first that is known, row by row."""
    found: Matrix = made[rows, columns[0]]
    for j in columns[1:]:
        found = np.where(np.isnan(found), made[rows, j], found)
    return found
