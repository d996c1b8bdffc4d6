"""The report on a model as a page, and the card as a file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from salus.base.settings import Settings
from salus.learning.elsewhere import evaluate_elsewhere
from salus.learning.learn import learn_table
from salus.learning.step7_deploy import Registry, external
from salus.learning.step7_deploy.dossier.chai import check_card
from salus.learning.task import Budget
from salus.records import Store


def test_a_scientist_reads_the_report_of_a_model_and_takes_its_card(
    store: Store, settings: Settings, house_of: Callable[..., Starlette], browser_of: Any, tmp_path: Path
) -> None:
    rows = [f"s{i},{i % 40},{'yes' if (i * 7) % 40 > 20 + i % 3 else 'no'}" for i in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["id,age,ill", *rows]), "utf-8")
    learn_table(
        tmp_path / "t.csv", "ill", tmp_path / "models", subject="id", families=["logistic"], budget=Budget(seconds=0)
    )
    app = house_of(store, replace(settings, registry=tmp_path / "models"))
    browser = browser_of(app).speaking("zh").sign_in("scientist")

    assert "/models/t-ill/1/report" in browser.get("/models/t-ill/1").text
    page = browser.get("/models/t-ill/1/report")
    assert (200, True) == (page.status_code, "待机构陈述：资助来源及其作用" in page.text)
    card = browser.get("/models/t-ill/1/card.xml")
    assert ("application/xml", []) == (card.headers["content-type"], check_card(card.text))
    one = evaluate_elsewhere(Registry(tmp_path / "models").load("t-ill", "1"), tmp_path / "t.csv", tmp_path / "run")
    external.keep(tmp_path / "models" / "t-ill", "1", one.found)
    assert "t.csv" in browser.get("/models/t-ill/1").text and "有差异的输入" in browser.get("/models/t-ill/1").text
    assert 404 == browser.get("/models/t-ill/9/report").status_code
