"""What a search by `near` tells beside each place. https://hl7.org/fhir/R4/location.html#positional"""

from typing import Any


def test_the_distance_stands_beside_each_place(ask: Any) -> None:
    for name, north in (("here", 31.0), ("there", 31.1), ("far", 40.0)):
        body = {"resourceType": "Location", "id": name, "position": {"latitude": north, "longitude": 121.0}}
        ask("PUT", f"/Location/{name}", body)
    found = ask("GET", "/Location?near=31|121|20|km&_elements=name").json()["entry"]

    assert [("here", 0.0), ("there", 11.119508)] == [(e["resource"]["id"], distance(e)) for e in found]


def distance(entry: dict[str, Any]) -> float:
    (told,) = entry["search"]["extension"]
    assert "http://hl7.org/fhir/StructureDefinition/location-distance" == told["url"]
    assert "km" == told["valueDistance"]["code"]
    return float(told["valueDistance"]["value"])


def test_a_place_that_is_none_is_refused_in_words(ask: Any) -> None:
    answer = ask("GET", "/Location?near=north")

    assert 400 == answer.status_code
    assert "write latitude|longitude|distance|units" in answer.text


def test_the_capability_statement_names_it(ask: Any) -> None:
    (location,) = [one for one in ask("GET", "/metadata").json()["rest"][0]["resource"] if one["type"] == "Location"]

    near = next(one for one in location["searchParam"] if one["name"] == "near")

    assert ("special", "http://hl7.org/fhir/SearchParameter/Location-near") == (near["type"], near["definition"])
