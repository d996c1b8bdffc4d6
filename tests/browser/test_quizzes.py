"""A case with a browser: on a phone in Chinese to its end, by the form alone; and the live check of what is written."""

import re

from hands import is_for_everybody
from playwright.sync_api import expect


def test_a_case_is_taken_to_its_marks_on_a_phone_in_chinese(look):
    page = look("/quizzes", "nurse", "zh", width=360, dark=True)
    is_for_everybody(page)
    page.get_by_role("button", name="开始 口渴与呕吐").click()
    page.fill("#name-1", "感染性胃肠炎")
    page.fill("#sure-1", "60")
    is_for_everybody(page)
    page.get_by_role("button", name="下一步：病史").click()
    expect(page.locator("#now")).to_contain_text("近3周口渴")
    expect(page.locator("#name-1")).to_have_value("感染性胃肠炎")
    page.fill("#name-1", "糖尿病酮症酸中毒")
    page.get_by_role("button", name="下一步：查体").click()
    page.get_by_role("button", name="开单 血酮").click()
    expect(page.locator("#now")).to_contain_text("6.1 mmol/L")
    is_for_everybody(page)
    page.get_by_role("button", name="就此结束").click()
    expect(page.locator("h2").first).to_have_text("正确：排在第一位")
    is_for_everybody(page)
    page.get_by_role("link", name="现在复习").click()
    page.get_by_text("显示答案").click()
    is_for_everybody(page)
    page.get_by_role("button", name="记得", exact=True).click()
    expect(page).to_have_url(re.compile("/quizzes/review$"))
    page.goto("/quizzes/progress")
    is_for_everybody(page)


def test_what_a_teacher_writes_is_checked_while_they_write(look):
    page = look("/quizzes/write", "clinician")
    expect(page.locator("#checked")).to_contain_text("The case is whole")
    text = page.locator("#text")
    text.fill(text.input_value().replace("diagnosis: I71.0", "diagnosis: Z99.9"))
    expect(page.locator("#checked")).to_contain_text("Z99.9")
    is_for_everybody(page)
