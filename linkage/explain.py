"""Explains why two records are one child, or are not: step by step, in plain words and as a chart.

Put here: taking a weight apart, and saying its parts to a person. Keep out: working a weight out (weights.py) and
deciding (outputs.py, clustering.py); both are asked, never repeated.

An explanation says how well two records agree in a field and never what they say: no value of a person is in it. Of
sealed records there is none, and the refusal is the same as for records that do not exist.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import altair as alt
import duckdb
import networkx as nx
import numpy as np
import pandas as pd
from splink.internals.html_utils import json_for_html, load_chart_libraries

from linkage import ledger
from linkage.blocking import RULE_NAMES
from linkage.errors import LinkageError
from linkage.model import BLOCKING_RULES, DECIDED_RULE, FIELDS, MERGED_RULE, VETO_CODE, VETOES, LinkageConfig
from linkage.outputs import decide
from linkage.pairs import MERGE_BIT, weigh_patterns
from linkage.scoring import DIGITS, read_patterns, score_candidates
from linkage.store import live_model
from linkage.weights import (
    EVIDENCE,
    IDENTIFIERS,
    MAX_BITS,
    MAX_OFFSET_BITS,
    MAX_SILVER_BITS,
    SAME_SYSTEM_BITS,
    Model,
    declared_model,
    design,
    field_bits,
    logit,
    probability,
)

REFUSAL: Final = "Dolen has no explanation to show here."
"""The whole answer for what is unknown and for what is sealed: the two must not be told apart."""
SHOWN_COMBINATIONS: Final = 3
SHOWN_AGAINST: Final = 20
NOUGHT: Final = 0.05
"""Steps smaller than this are left out of charts and words; their sum is too small to be seen."""
RARE_OCTAVE: Final = 5

LABELS: Final = {
    "forename": {"en": "Forename", "cy": "Enw cyntaf"},
    "surname": {"en": "Surname", "cy": "Cyfenw"},
    "birth_date": {"en": "Birth date", "cy": "Dyddiad geni"},
    "sex": {"en": "Sex", "cy": "Rhyw"},
    "place": {"en": "Address", "cy": "Cyfeiriad"},
    "middle_names": {"en": "Middle names", "cy": "Enwau canol"},
    "guardians": {"en": "Parents", "cy": "Rhieni"},
    "telephone": {"en": "Telephone", "cy": "Ffôn"},
    "school": {"en": "School", "cy": "Ysgol"},
    "nhs_number": {"en": "NHS number", "cy": "Rhif GIG"},
    "upn": {"en": "Pupil number (UPN)", "cy": "Rhif disgybl (UPN)"},
    "other_identifier": {"en": "Another number", "cy": "Rhif arall"},
    "start": {"en": "Starting point", "cy": "Man cychwyn"},
    "together": {"en": "Taken together", "cy": "Gyda'i gilydd"},
    "limit": {"en": "Limit", "cy": "Terfyn"},
    "total": {"en": "Total", "cy": "Cyfanswm"},
    "for_very_strongly": {"en": "speaks very strongly for", "cy": "yn gryf iawn o blaid"},
    "for_strongly": {"en": "speaks strongly for", "cy": "yn gryf o blaid"},
    "for": {"en": "speaks for", "cy": "o blaid"},
    "for_little": {"en": "speaks a little for", "cy": "ychydig o blaid"},
    "neither": {"en": "says next to nothing", "cy": "yn dweud y nesaf peth i ddim"},
    "against_little": {"en": "speaks a little against", "cy": "ychydig yn erbyn"},
    "against": {"en": "speaks against", "cy": "yn erbyn"},
    "against_strongly": {"en": "speaks strongly against", "cy": "yn gryf yn erbyn"},
    "against_very_strongly": {"en": "speaks very strongly against", "cy": "yn gryf iawn yn erbyn"},
    "link": {"en": "linked", "cy": "wedi'u cysylltu"},
    "review": {"en": "for a person to decide", "cy": "i berson benderfynu"},
    "no_link": {"en": "not linked", "cy": "heb eu cysylltu"},
}
"""Headline words by code and language."""
_SCALE: Final = ((9.0, "_very_strongly"), (5.0, "_strongly"), (2.0, ""), (0.5, "_little"))
_VERDICTS: Final = {
    "same": "A person decided that these two records are the same child.",
    "not_same": "A person decided that these two records are not the same child.",
    "unsure": "A person looked at these two records and could not tell.",
}
_VETO_REASONS: Final = {veto.name: veto.reason for veto in VETOES}
_VETO_NAMES: Final = {code: name for name, code in VETO_CODE.items()}
_WORDS: Final = {
    ("sex", "differs"): "different; sexes are miskeyed and recorded differently",
    ("nhs_number", "same"): "equal; strong and no proof, for a sibling's is typed in one record of a thousand",
    ("nhs_number", "differs"): "two different numbers",
    ("upn", "same"): "equal; strong and no proof",
    ("upn", "differs"): "two different numbers; one number in a hundred is issued again",
}
"""Levels whose reason in model.py says why the level is there, and not what the records show."""
_RULE_REASONS: Final = {
    **{rule.name: rule.reason for rule in BLOCKING_RULES},
    MERGED_RULE: "their own system says that one record replaced the other",
    DECIDED_RULE: "a person has decided on them",
}


class ExplanationRefusedError(LinkageError):
    """There is nothing to explain, or nothing that may be. The message does not say which."""


@dataclass(frozen=True)
class Step:
    """One bar of the waterfall."""

    kind: str
    """`start`, `field`, `together`, `identifier` or `limit`."""
    name: str
    """The field; for `together` the outcomes that occur together, as the model names them."""
    level: str
    """The outcome of the comparison; empty where the step is no field."""
    words: str
    """What the records show, without their values."""
    bits: float
    """What it adds to the weight."""
    learnt: float = 0.0
    """The part of `bits` that was learnt from pairs which identifiers decide; the rest is Fellegi-Sunter."""


@dataclass(frozen=True)
class PairExplanation:
    """Why two records are linked, or are not. The steps add up to the weight."""

    record_key_l: str
    record_key_r: str
    agency_l: str
    agency_r: str
    steps: tuple[Step, ...]
    weight: float
    """Log2 odds that the two are one child."""
    probability: float
    is_stored: bool
    """Whether a run kept the pair; others are scored for the explanation alone."""
    is_one_child: bool
    """Whether the two share a child_id, by this pair or by other records."""
    rules: tuple[str, ...]
    """Names of the blocking rules that bring the two together."""
    veto: str | None
    """Why the pair is not linked automatically, whatever its weight."""
    veto_reason: str | None
    decision: str
    """`link`, `review` or `no_link`."""
    why: str
    """What the decision follows from."""
    verdict: str | None
    """What a person decided: `same`, `not_same` or `unsure`."""
    model_version: str


@dataclass(frozen=True)
class ChildExplanation:
    """What holds the records of one child_id together, what speaks against it, and what became of the id."""

    child_id: str
    """The living id, where another one was asked for that ended in it."""
    members: tuple[tuple[str, str], ...]
    """Record key and agency."""
    links: tuple[PairExplanation, ...]
    """The surest links that together reach every record they can."""
    against: tuple[PairExplanation, ...]
    """Pairs inside the child that are no link, and open pairs with records of other children; strongest first."""
    against_left_out: int
    """More of them, which are not shown."""
    events: tuple[dict[str, object], ...]
    """The ledger of the id, without records that are not open to explanation."""


def label(code: str, language: str = "en") -> str:
    """The word for a code in English (`en`) or Welsh (`cy`)."""
    return LABELS[code][language]


def strength(bits: float) -> str:
    """Code of the word for how strongly a step speaks."""
    side = "for" if bits > 0 else "against"
    return next((side + suffix for least, suffix in _SCALE if abs(bits) >= least), "neither")


def explain_pair(
    con: duckdb.DuckDBPyConnection, key_l: str, key_r: str, *, config: LinkageConfig | None = None
) -> PairExplanation:
    """Explain two records.

    Args:
        con: the identity store; nothing is written but temporary tables.
        key_l: record key.
        key_r: record key of another record.
        config: thresholds; those that the region links with.

    Raises:
        ExplanationRefusedError: a record is unknown, gone from its source or sealed, or the two are one record.
    """
    numbers = _open_records(con, [key_l, key_r])
    if len(numbers) != 2:
        raise ExplanationRefusedError(REFUSAL)
    return _explain(con, [(min(numbers), max(numbers))], config or LinkageConfig())[0]


def explain_child(
    con: duckdb.DuckDBPyConnection, child_id: UUID | str, *, config: LinkageConfig | None = None
) -> ChildExplanation:
    """Explain one child_id.

    Args:
        con: the identity store; nothing is written but temporary tables.
        child_id: an id, also one that ended in another.
        config: thresholds; those that the region links with.

    Raises:
        ExplanationRefusedError: the id is unknown, ended, or sealed.
    """
    config = config or LinkageConfig()
    living = _living(con, child_id)
    members = con.execute(
        """
        SELECT r.record, r.record_key, r.agency FROM membership m JOIN record r USING (record)
        WHERE m.child_id = ? AND m.valid_to_run IS NULL AND r.is_present ORDER BY r.record_key
        """,
        [living],
    ).fetchall()
    own = [record for record, _, _ in members]
    inside, outside = _pairs_around(con, own, config)
    tree = nx.Graph()
    tree.add_weighted_edges_from((one, other, sureness) for one, other, is_link, sureness in inside if is_link)
    holding = sorted((min(edge), max(edge)) for edge in nx.maximum_spanning_tree(tree).edges)
    against = [(one, other) for one, other, is_link, _ in inside if not is_link] + outside
    explained = _explain(con, holding + against, config)
    told = sorted(
        (one for one in explained[len(holding) :] if not (one.is_one_child and one.decision == "link")),
        key=lambda one: (one.verdict is None, one.weight if one.is_one_child else -one.weight, one.record_key_l),
    )
    return ChildExplanation(
        child_id=str(living),
        members=tuple((key, agency) for _, key, agency in members),
        links=tuple(explained[: len(holding)]),
        against=tuple(told[:SHOWN_AGAINST]),
        against_left_out=max(0, len(told) - SHOWN_AGAINST),
        events=tuple(_open_events(con, living)),
    )


def _living(con: duckdb.DuckDBPyConnection, child_id: UUID | str) -> UUID:
    try:
        living = ledger.resolve(con, child_id)
    except ValueError:
        living = None
    if living is None:
        raise ExplanationRefusedError(REFUSAL)
    return living


def _open_records(con: duckdb.DuckDBPyConnection, keys: Sequence[str]) -> list[int]:
    """Numbers of the records that may be explained; sealed ones are not told from unknown ones.

    There are none where a person sealed records of the two children from each other: what they have in common would be
    the path between them.
    """
    _find_parted(con)
    found = con.execute(
        """
        WITH asked AS (
            SELECT r.record, c.child_id FROM record r
            LEFT JOIN membership m ON m.record = r.record AND m.valid_to_run IS NULL LEFT JOIN child c USING (child_id)
            WHERE r.record_key IN (SELECT unnest($keys)) AND r.is_present AND NOT r.is_sealed
            AND NOT coalesce(c.is_sealed, false)
        )
        SELECT record FROM asked WHERE NOT EXISTS (
            FROM parted_child p WHERE p.one IN (SELECT child_id FROM asked) AND p.other IN (SELECT child_id FROM asked)
        )
        """,
        {"keys": list(keys)},
    ).fetchall()
    return [row[0] for row in found]


def _find_parted(con: duckdb.DuckDBPyConnection) -> None:
    """Children whose records a person sealed from each other, as temporary table `parted_child(one, other)`."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE parted_child AS
        SELECT unnest([x.child_id, y.child_id]) AS one, unnest([y.child_id, x.child_id]) AS other
        FROM applied_decision d
        JOIN membership x ON x.record = d.l AND x.valid_to_run IS NULL
        JOIN membership y ON y.record = d.r AND y.valid_to_run IS NULL
        WHERE d.verdict = 'sealed'
        """
    )


def _pairs_around(
    con: duckdb.DuckDBPyConnection, own: list[int], config: LinkageConfig
) -> tuple[list[tuple[int, int, bool, float]], list[tuple[int, int]]]:
    """The stored pairs inside a child (l, r, is it a link, how sure), and its open pairs with records of others."""
    _find_parted(con)
    con.register("own_rows", pd.DataFrame({"record": own}, dtype="int32"))
    con.execute("CREATE OR REPLACE TEMP TABLE own AS FROM own_rows")
    con.unregister("own_rows")
    _decide(
        con,
        "SELECT unnest([l, r]) FROM pair WHERE l IN (FROM own) OR r IN (FROM own) UNION FROM own",
        config,
    )
    rows = con.execute(
        f"""
        SELECT d.l, d.r, d.child_l = d.child_r AS is_inside, d.decision = 'link',
               CASE WHEN d.verdict = 'same' OR d.rules & {MERGE_BIT} > 0 THEN 100.0 ELSE d.weight END
        FROM pair_decision d
        JOIN child a ON a.child_id = d.child_l JOIN child b ON b.child_id = d.child_r
        WHERE (d.l IN (FROM own) OR d.r IN (FROM own)) AND (d.child_l = d.child_r OR d.decision = 'review')
        AND NOT a.is_sealed AND NOT b.is_sealed AND (d.child_l, d.child_r) NOT IN (FROM parted_child)
        ORDER BY d.l, d.r
        """
    ).fetchall()
    inside = [(*row[:2], row[3], float(row[4])) for row in rows if row[2]]
    return inside, [row[:2] for row in rows if not row[2]]


def _open_events(con: duckdb.DuckDBPyConnection, child_id: UUID) -> list[dict[str, object]]:
    """The ledger of an id, without a word of records that were sealed since."""
    events = [one for one in ledger.history_of_child(con, child_id) if one["kind"] != "seal"]
    keys = sorted({str(one["record_key"]) for one in events if one["record_key"] is not None})
    known = con.execute(
        """
        SELECT r.record_key FROM record r LEFT JOIN membership m ON m.record = r.record AND m.valid_to_run IS NULL
        LEFT JOIN child c USING (child_id)
        WHERE r.record_key IN (SELECT unnest($keys)) AND NOT r.is_sealed AND NOT coalesce(c.is_sealed, false)
        """,
        {"keys": keys},
    ).fetchall()
    shown = {None, *(row[0] for row in known)}
    return [one for one in events if one["record_key"] in shown]


def _decide(con: duckdb.DuckDBPyConnection, records: str, config: LinkageConfig) -> None:
    """Ask for the decisions on the pairs between some records, as temporary view `pair_decision`."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE current_child AS
        SELECT record, child_id, 1 AS cluster_size FROM membership WHERE valid_to_run IS NULL AND record IN ({records})
        """
    )
    decide(con, config)


def _explain(
    con: duckdb.DuckDBPyConnection, pairs: Sequence[tuple[int, int]], config: LinkageConfig
) -> list[PairExplanation]:
    """Explain pairs of record numbers, the smaller one first, in the order given."""
    if not pairs:
        return []
    con.register("asked_rows", pd.DataFrame(pairs, columns=pd.Index(["l", "r"]), dtype="int32"))
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE candidate AS
        SELECT l, r, CAST(coalesce((
            SELECT bit_or(CAST(1 AS UINTEGER) << a.rule) FROM block_key a JOIN block_key b ON b.key = a.key
            WHERE a.record = l AND b.record = r AND (coalesce(a.is_one, true) OR b.is_one)
        ), 0) AS UINTEGER) AS rules FROM asked_rows
        """
    )
    con.unregister("asked_rows")
    score_candidates(con)
    _decide(con, "SELECT unnest([l, r]) FROM candidate", config)
    found = con.execute(
        """
        SELECT s.l, s.r, coalesce(p.rules, s.rules) AS rules, s.source_pair, coalesce(p.pattern, s.pattern) AS pattern,
               p.weight AS stored_weight, d.decision, d.veto AS final_veto, v.verdict, a.record_key AS key_l,
               b.record_key AS key_r, a.agency AS agency_l, b.agency AS agency_r, x.child_id = y.child_id AS is_one
        FROM scored s JOIN record a ON a.record = s.l JOIN record b ON b.record = s.r
        LEFT JOIN current_child x ON x.record = s.l LEFT JOIN current_child y ON y.record = s.r
        LEFT JOIN pair p ON p.l = s.l AND p.r = s.r LEFT JOIN pair_decision d ON d.l = s.l AND d.r = s.r
        LEFT JOIN applied_decision v ON v.l = s.l AND v.r = s.r
        """
    )
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    model = live_model(con) or declared_model()
    patterns = np.array([row["pattern"] for row in rows], dtype=np.int64)
    weighed = weigh_patterns(model, patterns, np.array([row["source_pair"] for row in rows], dtype=object), config)
    explained = {}
    for row, weight, veto in zip(rows, weighed["weight"].tolist(), weighed["veto"].tolist(), strict=True):
        explained[row["l"], row["r"]] = _put_together(row, _steps(model, row), weight, veto, model, config)
    return [explained[pair] for pair in pairs]


def _put_together(
    row: dict[str, Any], steps: tuple[Step, ...], weight: float, own_veto: int, model: Model, config: LinkageConfig
) -> PairExplanation:
    is_stored = row["stored_weight"] is not None
    weight = float(row["stored_weight"]) if is_stored else float(weight)
    code = row["final_veto"] or own_veto
    veto = _VETO_NAMES.get(int(code))
    one = PairExplanation(
        record_key_l=min(row["key_l"], row["key_r"]),
        record_key_r=max(row["key_l"], row["key_r"]),
        agency_l=row["agency_l"] if row["key_l"] < row["key_r"] else row["agency_r"],
        agency_r=row["agency_r"] if row["key_l"] < row["key_r"] else row["agency_l"],
        steps=steps,
        weight=weight,
        probability=float(probability(weight)),
        is_stored=is_stored,
        is_one_child=bool(row["is_one"]),
        rules=tuple(name for number, name in enumerate(RULE_NAMES) if row["rules"] >> number & 1),
        veto=veto,
        veto_reason=_VETO_REASONS[veto] if veto else None,
        decision=row["decision"] or "no_link",
        why="",
        verdict=row["verdict"],
        model_version=model.version,
    )
    return replace(one, why=_why(one, config))


def _why(one: PairExplanation, config: LinkageConfig) -> str:
    """What the decision follows from, in one or two sentences."""
    if one.decision == "link":
        if one.verdict == "same":
            return _VERDICTS["same"]
        if MERGED_RULE in one.rules:
            return "The system that holds both records says that one replaced the other."
        return (
            f"They are sure enough ({_percent(config.link)} or more) and nothing forbids it."
            if one.probability >= config.link
            else "They are one child already, and too little speaks against it to take it apart."
        )
    if one.verdict in {"not_same", "unsure"}:
        return _VERDICTS[one.verdict]
    through = " They are one child by way of other records all the same." if one.is_one_child else ""
    if one.decision == "review":
        if one.veto_reason:
            return f"A person must look, because: {one.veto_reason}.{through}"
        sure = _percent(config.link)
        return f"They are probable, and not as sure as an automatic link must be ({sure} or more).{through}"
    if not one.is_stored and not one.rules:
        return f"Dolen does not compare these two by itself: they have too little in common to be found.{through}"
    return f"They are less likely the same child than not, so nobody is asked.{through}"


def _steps(model: Model, row: dict[str, Any]) -> tuple[Step, ...]:
    """Take the weight of one pair apart, in the order in which weights.py puts it together."""
    levels = read_patterns(np.array([row["pattern"]], dtype=np.int64))
    digits = {name: int(levels.of(name)[0]) for name in DIGITS}
    matrix, names = design(levels)
    learnt = {names[column]: model.alpha * model.coefficients.get(names[column], 0.0) for column in matrix.indices}
    fields = []
    for name in EVIDENCE:
        level, plain = DIGITS[name][digits[name]], float(field_bits(model, name)[digits[name]])
        main = learnt.pop(f"{name}={level}")
        fields.append(Step("field", name, level, _level_words(name, level, model), plain + main, main))
    identifiers = [
        Step("identifier", name, level, _level_words(name, level, model), float(field_bits(model, name)[digits[name]]))
        for name in IDENTIFIERS
        if (level := DIGITS[name][digits[name]]) != "missing"
    ]
    steps = [_start(model, row["source_pair"]), *fields, *_combinations(learnt), *identifiers]
    fellegi_sunter = float(logit(model.prior)) + sum(one.bits - one.learnt for one in fields)
    corrections = sum(one.learnt for one in fields) + sum(learnt.values())
    return (*steps, *_limits(model, fellegi_sunter, corrections, sum(one.bits for one in identifiers)))


def _start(model: Model, source_pair: str) -> Step:
    """Where two records of these sources stand before anything is compared."""
    same_system = SAME_SYSTEM_BITS * ("=" in source_pair)
    prior = float(logit(model.prior))
    share = model.source_priors.get(source_pair, model.labelled_share)
    learnt = float(logit(share) - logit(model.labelled_share)) + model.intercept
    bits = prior + model.alpha * learnt + (1 - model.alpha) * same_system
    words = "any two records of these two sources, before anything is compared"
    if same_system:
        words = "any two records of this one system, which should hold a child once, before anything is compared"
    return Step("start", "start", "", words, bits, bits - prior)


def _combinations(learnt: dict[str, float]) -> list[Step]:
    """The corrections for outcomes that occur together: the largest one by one, the others summed up."""
    order = sorted((name for name in learnt if learnt[name]), key=lambda name: (-abs(learnt[name]), name))
    shown, rest = order[:SHOWN_COMBINATIONS], order[SHOWN_COMBINATIONS:]
    steps = [
        Step("together", name, "", _combination_words(name, learnt[name]), learnt[name], learnt[name]) for name in shown
    ]
    if rest:
        bits = sum(learnt[name] for name in rest)
        steps.append(Step("together", "others", "", f"{len(rest)} other combinations of the same fields", bits, bits))
    return steps


def _limits(model: Model, fellegi_sunter: float, corrections: float, identifiers: float) -> list[Step]:
    """What is cut off, so that no sum of agreements becomes certainty and no number is taken for proof."""
    counted = min(identifiers, model.max_identifier_bits)
    offset = float(np.clip(fellegi_sunter, -MAX_OFFSET_BITS, MAX_OFFSET_BITS))
    inner = offset + model.intercept + (corrections / model.alpha if model.alpha else 0.0)
    silver = offset - fellegi_sunter + float(np.clip(inner, -MAX_SILVER_BITS, MAX_SILVER_BITS)) - inner
    plain = float(np.clip(fellegi_sunter + counted, -MAX_BITS, MAX_BITS)) - fellegi_sunter - counted
    cut = model.alpha * silver + (1 - model.alpha) * plain
    over = "agree more" if cut < 0 else "differ more"
    texts = (
        ("identifiers", "a number is never taken for proof: one in a thousand is a sibling's", counted - identifiers),
        ("agreement", f"the fields {over} than can count: they are partly the same evidence", cut),
    )
    return [Step("limit", name, "", words, bits) for name, words, bits in texts if abs(bits) > 1e-9]


def _level_words(name: str, level: str, model: Model) -> str:
    """What a level means, without values."""
    if level == "missing":
        return "not known in both records, so not compared"
    if (name, level) in _WORDS:
        return _WORDS[name, level]
    plain, _, octave = level.rpartition("_")
    if FIELDS[name].frequency_of is not None and octave.isdigit() and plain == "exact":
        if not model.records:
            return "equal"
        return f"equal, and a {'rare' if int(octave) >= RARE_OCTAVE else 'common'} name in this region"
    return next(one.reason for one in FIELDS[name].levels if one.name == level)


_PHRASES: Final = {
    "missing": "{} not known",
    "differs": "{} different",
    "far": "{} elsewhere",
    "weak": "{} barely alike",
    "nearby": "{} in the same district",
    "neighbour": "{} in the same street",
    "slip": "{} but for a slip",
    "near": "{} alike",
    "partly": "{} partly equal",
    "forename": "a parent's forename equal",
    "estimate": "only an age known",
    "unborn": "an unborn child",
}
_UNLIKE: Final = ("differs", "far", "weak")
_NEUTRAL: Final = ("missing", "estimate", "unborn")


def _combination_words(name: str, bits: float) -> str:
    """A combination as the model names it, as `forename~differs & birth_date~exact`, in words."""
    outcomes = dict(part.split("~") for part in name.split(" & "))
    phrases: dict[str, list[str]] = {"alike": [], "unlike": [], "neutral": []}
    for one, outcome in outcomes.items():
        side = "unlike" if outcome in _UNLIKE else "neutral" if outcome in _NEUTRAL else "alike"
        field = LABELS[one]["en"] if one == "upn" else LABELS[one]["en"].lower()
        phrases[side].append(_PHRASES.get(outcome, "{} equal").format(field))
    text = " and ".join(phrases["alike"] + phrases["neutral"])
    if phrases["unlike"]:
        unlike = " and ".join(phrases["unlike"])
        text = f"{unlike} though {text}" if phrases["alike"] else " and ".join(filter(None, [unlike, text]))
    return f"{text}: {_lesson(outcomes, phrases, bits)}"


def _lesson(outcomes: dict[str, str], phrases: dict[str, list[str]], bits: float) -> str:
    """Why the combination counts."""
    if bits < 0 and outcomes.get("forename") in _UNLIKE:
        if outcomes.get("birth_date") == "exact":
            return "twins look like this"
        if outcomes.keys() & {"surname", "place", "guardians", "telephone"} and phrases["alike"]:
            return "brothers and sisters look like this"
    if bits < 0:
        return "pairs like this were less often one child than the single fields say"
    return "pairs like this were more often one child than the single fields say"


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _odds(share: float) -> str:
    """A probability as a count that a person can picture."""
    for size in (100, 1_000):
        if 0.5 / size <= share <= 1 - 0.5 / size:
            return f"about {round(share * size)} in {size:,} pairs like this are one child"
    return "nearly all pairs like this are one child" if share > 0.5 else "hardly any pair like this is one child"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def in_words(explanation: PairExplanation | ChildExplanation) -> str:
    """The explanation in plain English, for a social worker."""
    lines = _pair_lines(explanation) if isinstance(explanation, PairExplanation) else _child_lines(explanation)
    return "\n".join(lines) + "\n"


def _pair_lines(one: PairExplanation) -> list[str]:
    lines = [
        f"{one.record_key_l} ({_agency(one.agency_l)}) and {one.record_key_r} ({_agency(one.agency_r)})",
        "",
        f"Result: {label(one.decision)}. {one.why}",
        f"How sure: {_odds(one.probability)}.",
    ]
    if one.verdict and _VERDICTS[one.verdict] != one.why:
        lines.append(_VERDICTS[one.verdict])
    if one.veto_reason and one.veto_reason not in one.why:
        instead = "would otherwise forbid" if one.decision == "link" else "forbids"
        lines.append(f"What {instead} an automatic link: {one.veto_reason}.")
    lines += ["", "What the records show:"]
    lines.append(
        "- Starting point: two records picked at random are hardly ever one child; agreement must outweigh that."
    )
    lines += [f"- {_step_line(step)}" for step in one.steps if _is_shown(step) and step.kind != "start"]
    unknown = [label(step.name).lower() for step in one.steps if step.level == "missing"]
    if unknown:
        lines.append(f"- Not known in both records: {', '.join(unknown)}. What is missing is not held against anybody.")
    if one.rules:
        lines += ["", "How Dolen came to compare them:", *(f"- {_RULE_REASONS[name]}" for name in one.rules)]
    return lines


def _step_line(step: Step) -> str:
    name = label(step.name if step.kind in {"field", "identifier"} else step.kind)
    if step.kind == "limit":
        return f"{name}: {step.words}. This takes back a part of the above."
    return f"{name}: {step.words}. This {label(strength(step.bits))}{_side(step.bits)}."


def _side(bits: float) -> str:
    return "" if strength(bits) == "neither" else " one child" if bits > 0 else " it"


def _is_shown(step: Step) -> bool:
    return abs(step.bits) >= NOUGHT and not (step.kind == "field" and step.level == "missing")


def _agency(agency: str) -> str:
    return agency.replace("_", " ")


def _child_lines(one: ChildExplanation) -> list[str]:
    lines = [f"Child {one.child_id}", "", f"{len(one.members)} record(s) are held to be this child:"]
    lines += [f"- {key} ({_agency(agency)})" for key, agency in one.members]
    lines += ["", "What holds them together:"]
    lines += [f"- {_pair_summary(pair)}" for pair in one.links] or ["- There is one record only, or no direct link."]
    lines += ["", "What speaks against it, or is still to be decided:"]
    lines += [f"- {_pair_summary(pair)}" for pair in one.against] or ["- Nothing."]
    if one.against_left_out:
        lines.append(f"- and {one.against_left_out} more.")
    lines += ["", "What became of this id:"]
    return lines + [f"- {_event_line(event, one.child_id)}" for event in one.events]


def _pair_summary(pair: PairExplanation) -> str:
    best = sorted((step for step in pair.steps if _is_shown(step)), key=lambda step: -abs(step.bits))
    grounds = [f"{label(step.name)} {label(strength(step.bits))}" for step in best if step.level][:3]
    keys = f"{pair.record_key_l} and {pair.record_key_r}"
    text = f"{keys}: {label(pair.decision)}. {pair.why} {_sentence(_odds(pair.probability))}"
    return f"{text} Weighs most: {'; '.join(grounds)}." if grounds else text


_EVENTS: Final = {
    "create": "the id was made",
    "attach": "{record} joined",
    "detach": "{record} left",
    "merge": "{child} ended in {other}: they were found to be one child",
    "redirect": "{child} leads to {other} since then",
    "split": "a part of {child} became {other}: they were found to be two children",
}
_REASONS: Final = {
    "decision": ", because a person decided",
    "source_merge": ", because its source merged two records",
    "first_seen": " when it was first seen",
}


def _event_line(event: dict[str, object], child_id: str) -> str:
    names = {
        "record": event["record_key"] or "a record",
        "child": "this id" if str(event["child_id"]) == child_id else event["child_id"],
        "other": "this id" if str(event["other_child_id"]) == child_id else event["other_child_id"],
    }
    text = _EVENTS[str(event["kind"])].format(**names)
    return f"{event['as_of']}: {text}{_REASONS.get(str(event['reason']), '')}"


@dataclass(frozen=True)
class _Bar:
    """One bar: where it begins and ends on the scale."""

    name: str
    words: str
    speaks: str
    begin: float
    end: float
    bits: float
    colour: str


_FOR, _AGAINST, _WHOLE = "#1f5f99", "#b3541e", "#4a4a4a"
"""Told apart by people who see red and green as one; the sign of the number says the same."""
_UNIT = "Weight of evidence (one step up doubles the odds of one child, one step down halves them)"


def _bars(one: PairExplanation, language: str) -> list[_Bar]:
    """The waterfall: each step begins where the one before it ended; the total begins at nought."""
    bars, level = [], 0.0
    for step in one.steps:
        begin, level = level, level + step.bits
        if abs(step.bits) < NOUGHT:
            continue
        name = label(step.name if step.kind in {"field", "identifier"} else step.kind, language)
        colour = _WHOLE if step.kind == "start" else _FOR if step.bits > 0 else _AGAINST
        bars.append(_Bar(name, step.words, label(strength(step.bits), language), begin, level, step.bits, colour))
    words = f"{label(one.decision, language)}; {_odds(one.probability)}"
    total = label("total", language)
    return [*bars, _Bar(total, words, label(strength(one.weight), language), 0.0, one.weight, one.weight, _WHOLE)]


def save_chart(explanation: PairExplanation | ChildExplanation, path: Path, *, language: str = "en") -> None:
    """Save the waterfall chart of a pair, or of the links of a child.

    Args:
        explanation: what to draw.
        path: `.html`: a page that works without a network, and without scripts by picture and table. `.svg`: the
            picture alone.
        language: of the fields and strengths: `en` or `cy`.

    Raises:
        ValueError: the path has another ending, or the explanation of a child is asked for as one picture.
    """
    if path.suffix == ".svg" and isinstance(explanation, PairExplanation):
        text = _svg(explanation, language)
    elif path.suffix == ".html":
        text = _page(explanation, language)
    else:
        message = f"{path.name}: a chart is saved as .html, and the chart of a pair also as .svg"
        raise ValueError(message)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.write(text)


def _title(one: PairExplanation) -> str:
    return f"Why {one.record_key_l} and {one.record_key_r} are {label(one.decision)}"


_ROW, _LEFT, _WIDTH, _TOP, _RIGHT = 28, 190, 560, 64, 90


def _svg(one: PairExplanation, language: str, prefix: str = "chart") -> str:
    """The picture, written by hand: nothing that could draw it is at hand without a browser."""
    bars = _bars(one, language)
    low = min(min(bar.begin, bar.end) for bar in bars)
    high = max(max(bar.begin, bar.end) for bar in bars)
    height = _TOP + _ROW * len(bars)

    def x(value: float) -> float:
        return round(_LEFT + (value - low) / (high - low or 1.0) * _WIDTH, 1)

    told = "; ".join(f"{bar.name} {bar.bits:+.1f} ({bar.speaks})" for bar in bars)
    width, size = _LEFT + _WIDTH + _RIGHT, height + 56
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {size}" role="img" font-family="sans-serif"',
        f' font-size="13" fill="#1a1a1a" aria-labelledby="{prefix}-title {prefix}-desc">',
        f'<title id="{prefix}-title">{escape(_title(one))}</title>',
        f'<desc id="{prefix}-desc">{escape(f"Bars from top to bottom: {told}.")}</desc>',
        f'<rect width="{width}" height="{size}" fill="#ffffff"/>',
        f'<text x="8" y="24" font-size="15" font-weight="bold">{escape(_title(one))}</text>',
        f'<text x="8" y="44">{escape(_sentence(_odds(one.probability)))}</text>',
    ]
    for tick in _ticks(low, high):
        colour = "#ddd" if tick else "#777"
        parts += [
            f'<line x1="{x(tick)}" x2="{x(tick)}" y1="{_TOP - 6}" y2="{height}" stroke="{colour}"/>',
            f'<text x="{x(tick)}" y="{height + 18}" text-anchor="middle">{tick:+d}</text>',
        ]
    for number, bar in enumerate(bars):
        top, left, right = _TOP + _ROW * number, min(x(bar.begin), x(bar.end)), max(x(bar.begin), x(bar.end))
        words = escape(f"{bar.name}: {bar.words}")
        parts += [
            f'<text x="{_LEFT - 10}" y="{top + 17}" text-anchor="end">{escape(bar.name)}</text>',
            f'<rect x="{left}" y="{top + 4}" width="{max(1.0, round(right - left, 1))}" height="{_ROW - 8}"',
            f' fill="{bar.colour}"><title>{words}</title></rect>',
            f'<text x="{right + 6}" y="{top + 17}">{bar.bits:+.1f}</text>',
        ]
    parts.append(f'<text x="{_LEFT}" y="{height + 42}">{escape(_UNIT)}</text></svg>')
    return "\n".join(parts) + "\n"


def _ticks(low: float, high: float) -> Iterable[int]:
    step = 5 if high - low > 12 else 2
    return range(int(np.ceil(low / step)) * step, int(high) + 1, step)


def _altair(one: PairExplanation, language: str) -> alt.Chart | alt.LayerChart:
    """The same chart for a browser, with the words of each step under the pointer."""
    frame = pd.DataFrame([vars(bar) for bar in _bars(one, language)])
    frame["row"] = [f"{number:02d}" for number in range(len(frame))]
    frame["amount"] = [f"{bits:+.1f}" for bits in frame["bits"]]
    frame["edge"] = frame[["begin", "end"]].max(axis=1)
    names = json_for_html(frame["name"].tolist())
    base: Any = alt.Chart(frame).encode(
        y=alt.Y("row:O", title=None, axis=alt.Axis(labelExpr=f"{names}[toNumber(datum.value)]", labelLimit=200))
    )
    bars = base.mark_bar(height=20).encode(
        x=alt.X("begin:Q", title=_UNIT),
        x2="end:Q",
        color=alt.Color("colour:N", scale=None),
        tooltip=[
            alt.Tooltip("name:N", title="Step"),
            alt.Tooltip("words:N", title="What the records show"),
            alt.Tooltip("speaks:N", title="How strongly"),
            alt.Tooltip("amount:N", title="Weight"),
        ],
    )
    numbers = base.mark_text(align="left", dx=6).encode(x="edge:Q", text="amount:N")
    title = alt.TitleParams(_title(one), subtitle=_sentence(_odds(one.probability)))
    return (bars + numbers).properties(title=title, width=_WIDTH, height=_ROW * len(frame))


_STYLE: Final = """
body { font-family: sans-serif; color: #1a1a1a; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.5 }
pre { white-space: pre-wrap; font: inherit } svg { max-width: 100%; height: auto }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem;
border-bottom: 1px solid #ccc; vertical-align: top } td.number { text-align: right; white-space: nowrap }
caption { text-align: left; font-weight: bold; padding: .6rem 0 }
"""
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:"
)
"""Vega makes functions of its expressions; nothing may be fetched or sent."""
_SCRIPT: Final = """
for (const [id, spec] of Object.entries(SPECS)) {
  const place = document.getElementById(id), picture = place.innerHTML;
  vegaEmbed(place, spec, {actions: false}).catch(() => { place.innerHTML = picture; });
}
"""


def _page(explanation: PairExplanation | ChildExplanation, language: str) -> str:
    """A page that holds everything it needs: words, chart and table; the scripts are those that Splink ships."""
    is_pair = isinstance(explanation, PairExplanation)
    pairs = [explanation] if is_pair else [*explanation.links]
    title = _title(explanation) if is_pair else f"Why these records are one child: {explanation.child_id}"
    specs = {f"chart{number}": _altair(pair, language).to_dict() for number, pair in enumerate(pairs)}
    figures = "".join(
        f'<figure><div id="chart{number}">{_svg(pair, language, f"chart{number}")}</div></figure>'
        f"{_table(pair, language)}"
        for number, pair in enumerate(pairs)
    )
    scripts = "".join(f"<script>{source}</script>" for source in load_chart_libraries().values())
    run = _SCRIPT.replace("SPECS", json_for_html(specs))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head><body>'
        f"<main><h1>{escape(title)}</h1><pre>{escape(in_words(explanation))}</pre>{figures}</main>"
        f"{scripts if specs else ''}<script>{run}</script></body></html>\n"
    )


def _table(one: PairExplanation, language: str) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(bar.name)}</th><td>{escape(bar.words)}</td><td>{escape(bar.speaks)}</td>'
        f'<td class="number">{bar.bits:+.1f}</td></tr>'
        for bar in _bars(one, language)
    )
    return (
        f"<table><caption>The steps in numbers. {escape(_UNIT)}</caption><thead><tr>"
        '<th scope="col">Step</th><th scope="col">What the records show</th><th scope="col">How strongly</th>'
        f'<th scope="col">Weight</th></tr></thead><tbody>{rows}</tbody></table>'
    )


__all__ = [
    "LABELS",
    "REFUSAL",
    "ChildExplanation",
    "ExplanationRefusedError",
    "PairExplanation",
    "Step",
    "explain_child",
    "explain_pair",
    "in_words",
    "label",
    "save_chart",
    "strength",
]
