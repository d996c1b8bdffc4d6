"""The model card."""

from pathlib import Path
from typing import Any

from salus.learning.dictionary import write_json
from salus.learning.run import Run
from salus.learning.step7_deploy.bundle import Bundle


def write_card(run: Run, bundle: Bundle, folder: Path) -> None:
    """card.json."""
    card: dict[str, Any] = {"question": bundle.task.question, "family": bundle.family, "data": bundle.fingerprint}
    write_json(folder / "card.json", card)
