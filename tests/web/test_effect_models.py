"""Models of expected benefit among the others: listed, and each card readable, of a refused one too."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette

from salus.base.settings import Settings
from salus.learning.dictionary import write_json
from salus.learning.effects.bundle import EffectBundle
from salus.learning.effects.card import write_card
from salus.learning.effects.declared import effect_task_of
from salus.learning.effects.gate import Check
from salus.learning.effects.kept import EffectRegistry
from salus.records import Store

TASK = {
    "name": "lipids",
    "question": {"en": "Does it prevent heart attacks?", "zh": "能否预防心肌梗死？"},
    "options": [
        {"code": "usual", "en": "Fenofibrate", "zh": "非诺贝特", "codes": ["ATC//C10AB05"]},
        {"code": "new", "en": "Atorvastatin", "zh": "阿托伐他汀", "codes": ["ATC//C10AA05"]},
    ],
    "outcome": {"en": "Heart attack", "zh": "心肌梗死", "codes": ["SNOMED//22298006"], "within_days": 365},
}


def keep_refused(folder: Path, made: Path) -> None:
    """A study that did not pass, as it is kept."""
    made.mkdir()
    checks = [Check("gate.events", 3, 20, False)]
    bundle = EffectBundle(
        name="lipids",
        version="",
        made="",
        task=effect_task_of(TASK),
        passed=False,
        checks=checks,
        people=[30, 40],
        lost=2,
    )
    write_json(made / "bundle.json", msgspec.to_builtins(bundle))
    write_card(bundle, made)
    EffectRegistry(folder).add("lipids", made)


def test_a_refused_study_stands_in_the_list_and_its_card_says_why(
    store: Store, settings: Settings, house_of: Callable[..., Starlette], browser_of: Any, tmp_path: Path
) -> None:
    keep_refused(tmp_path / "models", tmp_path / "made")
    app = house_of(store, replace(settings, registry=tmp_path / "models"))
    browser = browser_of(app).speaking("zh").sign_in("scientist")
    listed = browser.get("/models").text
    assert "能否预防心肌梗死" in listed and "未通过检查" in listed and "/models/lipids/use" not in listed
    card = browser.get("/models/lipids/1")
    assert card.status_code == 200 and "结果不予显示" in card.text and "/report" not in card.text
    assert "Results stay hidden" in browser_of(app).speaking("en").sign_in("scientist").get("/models/lipids/1").text
    assert browser.get("/models/lipids/2").status_code == 404
