"""Formulas that a task declares over what was measured: + - * /, abs, min, max, numbers and names. Nothing else can be
said in them, so nothing else can happen. What is divided by nothing, or not known, is not known."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.base.errors import Invalid

Numbers = npt.NDArray[np.float64]
MOST_LETTERS = 200
TWO: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
}
CALLS: Mapping[str, tuple[int, Callable[..., Any]]] = {"abs": (1, np.abs), "min": (2, np.fmin), "max": (2, np.fmax)}


class Expression:
    """A formula, checked. `names`: what it speaks of, `rate` or `rate.last`. Raises Invalid with what it may say."""

    def __init__(self, text: str) -> None:
        self.text, self.names = text, list[str]()
        try:
            if len(text) > MOST_LETTERS:
                raise ValueError(f"more than {MOST_LETTERS} letters")
            self._run = self._read(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, ValueError) as error:
            said = error.msg if isinstance(error, SyntaxError) else error
            raise Invalid(
                f"The formula '{text}' cannot be read ({said}): "
                "use names, numbers, + - * /, abs(a), min(a, b), max(a, b)",
                path="features.derived",
            ) from error
        self.names = list(dict.fromkeys(self.names))

    def value(self, of: Mapping[str, Numbers]) -> Numbers:
        """What it comes to, row by row; NaN where that is no finite number.

        >>> Expression("a / (b - 1)").value({"a": np.array([6.0, 6.0]), "b": np.array([4.0, 1.0])}).tolist()
        [2.0, nan]
        """
        with np.errstate(all="ignore"):
            found = np.asarray(self._run(of), dtype=np.float64)
        return np.where(np.isfinite(found), found, np.nan)

    def _read(self, node: ast.expr) -> Callable[[Mapping[str, Numbers]], Any]:
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in TWO:
                act, one, other = TWO[type(op)], self._read(left), self._read(right)
                return lambda of: act(one(of), other(of))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._read(operand)
                return lambda of: -inner(of)
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return lambda of: number
            case ast.Name() | ast.Attribute(value=ast.Name()):
                name = ast.unparse(node)
                self.names.append(name)
                return lambda of: of[name]
            case ast.Call(func=ast.Name(id=called), args=args, keywords=[]) if CALLS.get(called, (0,))[0] == len(args):
                call, parts = CALLS[called][1], [self._read(one) for one in args]
                return lambda of: call(*(part(of) for part in parts))
        raise ValueError(f"'{ast.unparse(node)}'")
