"""Linear algebra on one thread: of matrices of some hundred rows several threads make forty times the work, waiting."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(act: Callable[P, R]) -> Callable[P, R]:
    """The same, with one thread for linear algebra while it runs."""

    @wraps(act)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with threadpool_limits(1, user_api="blas"):
            return act(*args, **kwargs)

    return alone
