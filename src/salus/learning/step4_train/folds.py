"""Out-of-fold margins: every training row answered by a model that saw no row of its subject."""

import numpy as np

from salus.learning.models.family import Matrix, Params, Setting, family
from salus.learning.run import Data


def out_of_fold(data: Data, name: str, params: Params) -> Matrix:
    """Margins, shape (training rows, k)."""
    x, fold = data.seen(family(name).series), data.fold[data.train]
    made = np.zeros((len(fold), width(data.setting)))
    for one in np.unique(fold):
        inside = fold == one
        model = data.fitted(name, data.train[~inside], params)
        made[inside] = model.margins(x[data.train[inside]])
    return made


def width(setting: Setting) -> int:
    """How many margins a row has."""
    return {"multiclass": setting.classes, "survival": len(setting.times)}.get(setting.kind, 1)
