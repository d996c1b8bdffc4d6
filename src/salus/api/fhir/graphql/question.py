"""What is asked by GraphQL."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """A query, its variables, and which of its operations is meant; `about`: type and id of the one resource."""

    text: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation: str | None = None
    about: tuple[str, str] | None = None
