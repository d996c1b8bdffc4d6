"""What a resource's tags and labels say of it. https://hl7.org/fhir/R4/resource.html#Meta"""

from collections.abc import Mapping
from typing import Any

SYNTHETIC = {"system": "https://salus.example/tags", "code": "synthetic", "display": "Synthetic: nobody real"}
# the field's own label of data made for tests: https://terminology.hl7.org/CodeSystem-v3-ActReason.html
TEST_DATA = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
MADE_UP = {(tag["system"], tag["code"]) for tag in (SYNTHETIC, TEST_DATA)}


def is_synthetic(resource: Mapping[str, Any]) -> bool:
    """Whether it says of itself that it is made up.

    >>> is_synthetic({"meta": {"tag": [SYNTHETIC]}}), is_synthetic({"meta": {"security": [TEST_DATA]}})
    (True, True)
    """
    meta = resource.get("meta", {})
    codings = [*meta.get("tag", []), *meta.get("security", [])]
    return any((coding.get("system"), coding.get("code")) in MADE_UP for coding in codings)
