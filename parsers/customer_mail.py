"""Mail of people to the support address: one report, whatever the mail looks like.

    From: 李雷 <li@customer.example>
    Subject: =?utf-8?B?5peg5rOV5YWF5YC8?=
    X-Priority: 1

    充值页面打不开。

gives `Report(signal=MAIL, title="无法充值", text="充值页面打不开。", mail=Mail(sender="li@customer.example", …))`.
Bounces and automatic replies are reported too, with their reason in `mail`: what follows from it is the core's.
"""

from __future__ import annotations

from collections.abc import Sequence

from parsers import MAIL, Raw, Report, Unparsable
from parsers._letter import open_letter
from parsers._times import instant

NAME = "customer_mail"


def accepts(raw: Raw) -> bool:
    """Any bytes are a mail; broken ones are read as far as they go."""
    return bool(raw.body)


def parse(raw: Raw, settings: object = None) -> Sequence[Report]:
    """One report with signal MAIL and no key. Raises Unparsable for an empty body only."""
    if not raw.body.strip():
        raise Unparsable("the mail is empty")
    mail, subject, text = open_letter(raw)
    title = subject or first_line(mail.own_text or text) or next((a.name for a in mail.attachments), "")
    arrived = instant(raw.headers.get("x-internaldate"))  # in the mailbox, which may be long before we saw it
    return [Report(MAIL, title=title, text=text, mail=mail, started_at=arrived)]


def first_line(text: str) -> str:
    """The first line with something in it, for a mail without subject; at most 120 characters."""
    return next((line.strip()[:120] for line in text.split("\n") if line.strip()), "")
