"""Reading XML safely: what is refused before it is read, what is named, and which line a record is on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import xml
from connectors.errors import FileHeld
from connectors.feed import Finding, SourceFile

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE Message [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<Message><Child><Id>&d;</Id></Child></Message>"""


def _source(tmp_path: Path, data: bytes) -> SourceFile:
    path = tmp_path / "file.xml"
    path.write_bytes(data)
    return SourceFile(path, path.name, "0" * 64, len(data))


def _read(tmp_path: Path, data: bytes, **options: int) -> tuple[list[tuple[str, int, dict[str, str]]], list[Finding]]:
    findings: list[Finding] = []
    stream = xml.records(
        _source(tmp_path, data), "persons", findings, roots=("Message",), names=("Header", "Child"), **options
    )
    return [(record.name, record.line, xml.fields(record.element)) for record in stream], findings


def _held(tmp_path: Path, data: bytes, **options: int) -> FileHeld:
    with pytest.raises(FileHeld) as held:
        _read(tmp_path, data, **options)
    return held.value


def test_records_come_in_order_with_the_line_of_their_start_tag(tmp_path: Path) -> None:
    data = (b"<Message>\n<Header><Y>1</Y></Header>\n<Children>\n\n<Child><Id> 7 </Id></Child><Child/>\n"
            b"</Children></Message>")
    found, findings = _read(tmp_path, data)
    assert found == [("Header", 2, {"Y": "1"}), ("Child", 5, {"Id": "7"}), ("Child", 5, {})]
    assert findings == []


def test_lines_are_right_beyond_the_65535_that_libxml2_counts_to(tmp_path: Path) -> None:
    data = b"<Message>\n" + b"<Child>\n<Id>1</Id>\n</Child>\n" * 40_000 + b"</Message>"
    found, _ = _read(tmp_path, data)
    assert [line for _, line, _ in found] == list(range(2, 2 + 3 * 40_000, 3))


def test_a_doctype_is_refused_before_its_entities_are_expanded(tmp_path: Path) -> None:
    assert _held(tmp_path, BOMB).rule_id == "xml-entity"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_doctype_is_refused_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    declared = "utf-16" if encoding.startswith("utf-16") else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?><!-- <Message> --><!DOCTYPE Message SYSTEM "file:///etc/passwd">'
    held = _held(tmp_path, (text + "<Message/>").encode(encoding))
    # Without a byte order mark UTF-16 is not well-formed XML; it must not get through either.
    assert held.rule_id in ("xml-entity", "xml-malformed", "file-encoding")


def test_an_undeclared_entity_is_refused(tmp_path: Path) -> None:
    assert _held(tmp_path, b"<Message><Child><Id>&secret;</Id></Child></Message>").rule_id == "xml-malformed"


def test_stray_text_is_named_with_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    data = (b"<Message>\n<Children>one\n<Child>\n<Id>7</Id>two\n</Child>\n three\n<Child>\n<Id>8</Id>\n</Child>\n\n"
            b"four\n</Children></Message>")
    found, findings = _read(tmp_path, data)
    assert [fields for _, _, fields in found] == [{"Id": "7"}, {"Id": "8"}]
    assert sorted((finding.row_number, finding.value) for finding in findings) == [
        (2, "one"), (4, "two"), (6, "three"), (11, "four"),
    ]
    assert {finding.rule_id for finding in findings} == {"xml-stray-text"}


def test_namespaces_and_prefixes_do_not_matter(tmp_path: Path) -> None:
    data = b'<x:Message xmlns:x="urn:a"><x:Child><x:Id>7</x:Id><Id xmlns="urn:b">8</Id></x:Child></x:Message>'
    assert _read(tmp_path, data)[0] == [("Child", 1, {"Id": "7"})]


def test_comments_and_instructions_do_not_cut_a_value(tmp_path: Path) -> None:
    data = b"<Message><Child><Id>12<!-- not here -->34<?nor here?></Id></Child></Message>"
    assert _read(tmp_path, data)[0][0][2] == {"Id": "1234"}


def test_a_record_inside_a_record_is_part_of_it(tmp_path: Path) -> None:
    assert len(_read(tmp_path, b"<Message><Child><Child><Id>1</Id></Child></Child></Message>")[0]) == 1


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "file-empty"),
        (b" \n ", "file-empty"),
        (b"LAchildID,UPN\n1,2\n", "xml-malformed"),
        (b"<Message><Child></Message>", "xml-malformed"),
        (b"<Message/><Message/>", "xml-malformed"),
        (b"<Message><Child><Id>1</Id></Child><Chi", "file-truncated"),
        (b"<Message><Child><Id>1</Id></Child>", "file-truncated"),
        (b"<Pupils/>", "xml-root"),
        (b'<?xml version="1.0" encoding="ebcdic-x"?><Message/>', "file-encoding"),
        (b"<Message><Child><Id>\x81</Id></Child></Message>", "file-encoding"),
        (b"<Message>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</Message>", "xml-malformed"),
    ],
)
def test_a_file_that_breaks_its_shape_is_held_with_the_true_reason(tmp_path: Path, data: bytes, rule: str) -> None:
    assert _held(tmp_path, data).rule_id == rule


def test_a_file_above_the_size_limit_is_held_unread(tmp_path: Path) -> None:
    assert _held(tmp_path, b"<Message/>", limit=5).rule_id == "file-size"


@pytest.mark.parametrize(
    ("encoding", "declaration", "rules"),
    [
        ("utf-8", "", set()),
        ("utf-8-sig", '<?xml version="1.0" encoding="UTF-8"?>', set()),
        ("utf-16", '<?xml version="1.0" encoding="UTF-16"?>', set()),
        ("iso-8859-1", '<?xml version="1.0" encoding="ISO-8859-1"?>', set()),
        ("cp1252", "", {"file-cp1252"}),
        ("cp1252", '<?xml version="1.0" encoding="UTF-8"?>', {"file-cp1252"}),
    ],
)
def test_accents_survive_in_every_encoding(tmp_path: Path, encoding: str, declaration: str, rules: set[str]) -> None:
    data = f"{declaration}<Message><Child><Name>Siân</Name></Child></Message>".encode(encoding)
    found, findings = _read(tmp_path, data)
    assert found[0][2] == {"Name": "Siân"}
    assert {finding.rule_id for finding in findings} == rules


def test_the_reason_for_a_held_file_quotes_nothing_of_it(tmp_path: Path) -> None:
    for data in (b"<Message><Child><Secretname>Zebedee</Child>", b"<Message><Child Zebedee></Message>", b"<Zebedee/>"):
        held = _held(tmp_path, data)
        assert "Zebedee" not in str(held)
        assert "Secretname" not in str(held)
        assert held.__cause__ is None


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    data = b"<Message>" + b"<Child><Id>1</Id><Group><Day>2</Day></Group></Child>" * 20_000 + b"</Message>"
    findings: list[Finding] = []
    alive = 0
    for record in xml.records(_source(tmp_path, data), "t", findings, roots=("Message",), names=("Child",)):
        parent = record.element.getparent()
        alive = max(alive, len(parent))
    # The reader looks ahead by one chunk of the file and drops what was used.
    assert alive < 2_000


@settings(max_examples=150, deadline=None)
@given(data=st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from([
        b"<Message>", b"</Message>", b"<Child>", b"</Child>", b"<Child/>", b"<Id>1</Id>", b"text", b"&amp;", b"&x;",
        b"<!DOCTYPE Message>", b"<!-- c -->", b"<![CDATA[x]]>", b"\xff", b"\x00", b"\n", b'<?xml version="1.0"?>', b"<",
    ]), max_size=12).map(b"".join),
))
def test_any_bytes_are_read_or_held_and_nothing_else(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        found, _ = _read(tmp_path_factory.mktemp("any"), data)
    except FileHeld:
        return
    assert all(name in ("Header", "Child") for name, _, _ in found)
