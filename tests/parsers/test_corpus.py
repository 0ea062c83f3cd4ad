"""Real input, written by others, read where it lies: `../shared/corpus` beside the project. Skipped without it.

The floors are measured values with a little room; they are no goals to fit samples to.
"""

from __future__ import annotations

import csv
import json
import time
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from parsers import UNCHANGED, Raw, Report, Unparsable, alert_mail, alertmanager, customer_mail, generic, grafana
from parsers._quotes import own_text

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real input is not at {CORPUS}")

RECEIVED = 1_780_000_000_000
PARSERS = {"grafana": grafana, "alertmanager": alertmanager, "vmalert": alertmanager, "generic": generic}


def rows(part: str) -> list[dict[str, str]]:
    with (CORPUS / part / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@cache
def mails() -> list[tuple[dict[str, str], Report, float]]:
    found = []
    for row in rows("mail"):
        body = (CORPUS / "mail" / row["path"]).read_bytes()
        began = time.perf_counter()
        report = customer_mail.parse(Raw(1, "email", "support", "customer_mail", RECEIVED, body))[0]
        found.append((row, report, time.perf_counter() - began))
    return found


def test_every_mail_is_read_within_a_second() -> None:
    assert len(mails()) == 891
    assert max(seconds for _, _, seconds in mails()) < 1.0
    assert all(report.mail is not None for _, report, _ in mails())


def test_every_mail_is_read_as_an_alert_too() -> None:
    for row in rows("mail"):
        body = (CORPUS / "mail" / row["path"]).read_bytes()
        found = alert_mail.parse(Raw(1, "smtp", "alerts", "alert_mail", RECEIVED, body, mail_from="m@x.example"))
        assert all(report.key for report in found), row["path"]


def test_at_least_98_percent_of_the_bounces_are_recognised() -> None:
    bounces = [report.mail for row, report, _ in mails() if row["kind"] == "bounce"]
    assert sum(bool(mail and mail.bounce) for mail in bounces) >= 0.98 * len(bounces)


def test_at_most_2_percent_of_what_people_wrote_passes_for_automatic_or_a_bounce() -> None:
    """Mail without any From address is left out: there is nobody to answer."""
    kinds = {"customer", "reply"}
    people = [r.mail for row, r, _ in mails() if row["kind"] in kinds and r.mail and r.mail.sender]
    assert len(people) > 200
    assert sum(bool(mail.automatic) for mail in people) <= 0.02 * len(people)


def test_no_automatic_reply_passes_for_a_persons_mail() -> None:
    machines = [report.mail for row, report, _ in mails() if row["kind"] == "autoreply"]
    assert all(mail and mail.automatic for mail in machines)


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_subjects_and_senders_agree_with_another_parser() -> None:
    seen = differ = 0
    for path in sorted((CORPUS / "mail" / "stalwart").glob("*.json")):
        fields: dict[str, dict[str, object]] = {}
        for one in json.loads(path.read_text("utf-8"))["parts"][0]["headers"]:
            if isinstance(one["name"], str) and isinstance(one["value"], dict):
                fields.setdefault(one["name"], one["value"])
        subject = fields.get("subject", {}).get("Text")
        if not isinstance(subject, str) or "\ufffd" in subject:
            continue
        body = path.with_suffix(".eml").read_bytes()
        report = customer_mail.parse(Raw(1, "email", "support", "customer_mail", RECEIVED, body))[0]
        seen += 1
        differ += squeezed(subject) != squeezed(report.title)
    assert seen > 30
    assert differ == 0


def test_own_words_of_replies_agree_mostly_with_another_trimmer() -> None:
    expected = CORPUS / "mail" / "discourse-reply-trimmer" / "expected" / "trimmed"
    pairs = [(expected.parent.parent / path.name, path) for path in sorted(expected.iterdir())]
    same = [
        squeezed(own_text(reply.read_text("utf-8", "replace"), is_reply=True))
        == squeezed(path.read_text("utf-8", "replace"))
        for reply, path in pairs
        if reply.exists()
    ]
    assert sum(same) >= 0.75 * len(same)


def hook(path: Path, received_at: int = RECEIVED) -> Raw:
    lines = (
        path.with_suffix(".headers").read_text("utf-8", "replace").splitlines()
        if path.with_suffix(".headers").exists()
        else [""]
    )
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    target = [*lines[0].split(" "), "", ""][1]
    query = {name: value for name, value in parse_qsl(target.partition("?")[2]) if name not in {"key", "token"}}
    kind = fields.get("content-type", "")
    return Raw(1, "webhook", "e", "p", received_at, path.read_bytes(), kind, query=query)


def test_states_of_prometheus_shaped_bodies_agree_with_the_peers_where_these_agree() -> None:
    seen = same = 0
    for row in rows("webhooks"):
        system = row["source system"]
        if system not in {"alertmanager", "grafana", "vmalert"} or row["expected"] in {"", "-"}:
            continue
        wanted = json.loads((CORPUS / "webhooks" / row["expected"]).read_text("utf-8"))
        if "status" in (wanted.get("disagree") or []):
            continue
        # vmalert's end is the moment the alert expires: that sample fires at its start, years ago.
        received = 1_714_644_720_000 if system == "vmalert" else RECEIVED
        found = PARSERS[system].parse(hook(CORPUS / "webhooks" / row["path"], received), None)
        states = {report.state for report in found if report.state != UNCHANGED}
        expected = {alert.get("status") for alert in wanted.get("alerts", [])}  # some peers count groups, not alerts
        seen += 1
        same += states == expected
    assert seen >= 20
    assert same >= 0.97 * seen


def test_every_webhook_body_is_read_or_refused_by_every_parser() -> None:
    for row in rows("webhooks"):
        raw = hook(CORPUS / "webhooks" / row["path"])
        for parser in (alertmanager, generic, grafana):
            try:
                parser.accepts(raw)
                assert parser.parse(raw, None)
            except Unparsable:
                continue


def test_no_body_of_the_corpus_fires_in_generic_where_every_peer_saw_a_recovery() -> None:
    """Other systems have parsers of their own; here only what calls itself generic counts."""
    for row in rows("webhooks"):
        if row["source system"] != "generic" or row["expected"] in {"", "-"}:
            continue
        wanted = json.loads((CORPUS / "webhooks" / row["expected"]).read_text("utf-8"))
        states = [alert.get("status") for alert in wanted.get("alerts", []) if alert.get("status")]
        if states:
            assert [r.state for r in generic.parse(hook(CORPUS / "webhooks" / row["path"]), None)] == states, row[
                "path"
            ]
