"""Properties of the FHIR feed: whatever the bytes, the file is held with a reason or the books balance."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.delivery import Places, Terms
from connectors.health import fhir
from connectors.health.fhir_projection import PROJECTIONS
from connectors.landing import land

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["2012", "2012-05-04", "2012-05-04T10:00", "Patient/1", "urn:uuid:1", "#1", "Bundle", "DELETE"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "id", "resourceType", "entry", "resource", "fullUrl", "request", "method", "url", "identifier", "system",
            "value", "name", "given", "family", "birthDate", "extension", "valueCode", "subject", "reference",
            "period", "start", "coding", "code", "contained", "meta", "lastUpdated", "link", "other", "exportId",
            "eventId", "transactionTime", "output", "search", "mode", "status", "address", "line", "telecom",
            "multipleBirthInteger",
        ]) | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
RESOURCE = st.builds(
    lambda kind, rest: {**rest, "resourceType": kind},
    st.sampled_from([*PROJECTIONS, "Bundle", "Device", "MedicinalProduct", "Nothing"]),
    st.dictionaries(st.sampled_from([
        "id", "subject", "patient", "name", "identifier", "extension", "period", "status", "code", "class", "type",
        "entry",
        "birthDate", "meta", "address", "telecom", "contained", "link", "participant", "item", "effectiveDateTime",
    ]), JSON, max_size=5),
)


PATIENT = {"resourceType": "Patient", "id": "1", "birthDate": "2015-01-01", "name": [{"family": "Rees"}]}


def books(data: bytes, folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(data)
    places = Places(folder / "landing", folder / "quarantine")
    delivery = land(fhir.FEED, [path], places, Terms(system="s", as_at=date(2026, 1, 1)))
    assert delivery.state in ("landed", "held")
    assert delivery.records_in == (
        delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate
    )


RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@RELAXED
@given(st.binary(max_size=200), st.sampled_from(["x.json", "x.ndjson", "x"]))
def test_arbitrary_bytes_are_held_or_balanced(tmp_path_factory, data, name):
    books(data, tmp_path_factory.mktemp("bytes"), name)


@RELAXED
@given(st.lists(JSON | RESOURCE, max_size=4), st.sampled_from(["x.json", "x.ndjson"]), st.booleans())
def test_arbitrary_json_is_held_or_balanced(tmp_path_factory, values, name, as_lines):
    data = "\n".join(json.dumps(value) for value in values) if as_lines else json.dumps(values, indent=1)
    books(data.encode(), tmp_path_factory.mktemp("json"), name)


@RELAXED
@given(st.data())
def test_a_valid_file_cut_or_changed_anywhere_is_held_or_balanced(tmp_path_factory, data):
    whole = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:1", "resource": PATIENT},
        {"resource": {"resourceType": "Flag", "id": "f", "status": "active", "code": {"text": "x"},
                      "subject": {"reference": "urn:uuid:1"}}},
    ]}).encode()
    place = data.draw(st.integers(0, len(whole)))
    changed = whole[:place] + data.draw(st.sampled_from([b"", b"\x00", b"\xff", b'"', b"{", b"]", b"\n"]))
    if data.draw(st.booleans()):
        changed += whole[place + 1:]
    books(changed, tmp_path_factory.mktemp("cut"), data.draw(st.sampled_from(["x.json", "x.ndjson"])))
