"""Mail, a sentence per row: charsets, who wrote it, what they wrote themselves, addresses and message ids."""

from __future__ import annotations

import base64

import pytest

from parsers import Raw, customer_mail
from parsers._addresses import addresses, message_ids
from parsers._charset import decode
from parsers._headers import words
from parsers._quotes import own_text


def mail_of(head: str, body: str | bytes = "hello", mail_from: str = "li@customer.example") -> customer_mail.Report:
    data = head.strip().encode("utf-8").replace(b"\n", b"\r\n") + b"\r\n\r\n"
    data += body if isinstance(body, bytes) else body.encode("utf-8")
    raw = Raw(1, "smtp", "support", "customer_mail", 0, data, mail_from=mail_from, recipient="support@example.com")
    return customer_mail.parse(raw)[0]


CHARSETS = [
    ("declared UTF-8 is read", "计费系统", "utf-8", "utf-8"),
    ("gb2312 in life is gb18030, which has characters that gb2312 lacks", "朱镕基€", "gb18030", "gb2312"),
    ("x-gbk is a name too", "计费系统", "gbk", "x-gbk"),
    ("UTF-8 under the label big5 is UTF-8", "無法充值", "utf-8", "big5"),
    ("big5 is read", "無法充值", "cp950", "big5"),
    ("ks_c_5601-1987 is cp949", "결제 오류 똠방각하", "cp949", "ks_c_5601-1987"),
    ("shift_jis is cp932", "請求①", "cp932", "Shift_JIS"),
    ("iso-2022-jp is read", "請求書", "iso2022_jp", "ISO-2022-JP"),
    ("the typo uft-8 is understood", "计费系统", "utf-8", "uft-8"),
    ("an unknown charset over UTF-8 is UTF-8", "计费系统", "utf-8", "x-made-up"),
    ("an unknown charset over GBK is GBK", "计费系统无法登录", "gbk", "x-made-up"),
    ("GBK without any label is GBK", "今天无法登录计费系统", "gbk", ""),
    ("GBK under the label iso-8859-1 is GBK", "今天无法登录计费系统", "gbk", "iso-8859-1"),
    ("French in latin-1 without a label is no Chinese", "Déjà vu, ça ne marche pas très bien à l'hôtel", "latin-1", ""),
    ("windows-1251 is read", "Не работает", "cp1251", "windows-1251"),
    ("utf-7 is read", "Hällo", "utf-7", "unicode-1-1-utf-7"),
    ("utf-16 is read", "计费", "utf-16", "utf-16"),
    ("two Chinese characters whose GBK looks like UTF-8 stay Chinese", "模范", "gbk", "gb2312"),
]


@pytest.mark.parametrize(("sentence", "text", "codec", "label"), CHARSETS, ids=[row[0] for row in CHARSETS])
def test_a_charset_is_read(sentence: str, text: str, codec: str, label: str) -> None:
    assert decode(text.encode(codec), label)[0] == text


@pytest.mark.parametrize(
    "label", ["punycode", "idna", "zlib", "base64", "unicode_escape", "undefined", "x" * 5000, "\0"]
)
def test_a_codec_that_is_no_charset_is_not_used(label: str) -> None:
    assert decode("计费 a-b \\u0041".encode(), label)[0] == "计费 a-b \\u0041"


def encoded(data: bytes, charset: str, kind: str = "B") -> str:
    if kind == "B":
        return f"=?{charset}?B?{base64.b64encode(data).decode()}?="
    return f"=?{charset}?Q?{''.join(f'={byte:02X}' for byte in data)}?="


GBK = "无法充值".encode("gbk")
WORDS = [
    ("one word", encoded(GBK, "gb2312"), "无法充值"),
    ("a character split over two words is joined", f"{encoded(GBK[:3], 'gbk')} {encoded(GBK[3:], 'gbk')}", "无法充值"),
    ("B and Q of one charset are joined", f"{encoded(GBK[:3], 'gbk')}\t{encoded(GBK[3:], 'gbk', 'Q')}", "无法充值"),
    ("text around words keeps its spaces", f"Re: {encoded(GBK, 'gbk')} (2)", "Re: 无法充值 (2)"),
    ("words that touch text are read", f"[{encoded(GBK, 'gbk')}]x", "[无法充值]x"),
    ("underscores are spaces in Q", "=?utf-8?Q?a_b=3F?=", "a b?"),
    ("a word in the wrong case is read", "=?UTF-8?b?5peg?=", "无"),
    ("a language tag is ignored", "=?utf-8*zh?B?5peg?=", "无"),
    ("missing padding is survived", "=?utf-8?B?5peg5rO?=", "无\ufffd"),
    ("what is no word stays", "=?utf-8?X?abc?= =?", "=?utf-8?X?abc?= =?"),
]


@pytest.mark.parametrize(("sentence", "value", "text"), WORDS, ids=[row[0] for row in WORDS])
def test_encoded_words_are_decoded(sentence: str, value: str, text: str) -> None:
    assert words(value.encode()) == text


ADDRESSES = [
    ("a bare address", "Li@Customer.example", [("li@customer.example", "")]),
    ("a name", '"Lei, Li" <li@c.example>', [("li@c.example", "Lei, Li")]),
    ("two", "a@b.c, D <d@e.f>", [("a@b.c", ""), ("d@e.f", "D")]),
    ("a group", "Desk: a@b.c, d@e.f;, g@h.i", [("a@b.c", ""), ("d@e.f", ""), ("g@h.i", "")]),
    ("an empty group", "undisclosed-recipients:;", []),
    ("a comment as name", "a@b.c (Ann (the first))", [("a@b.c", "Ann (the first)")]),
    ("semicolons of Outlook", "a@b.c; d@e.f", [("a@b.c", ""), ("d@e.f", "")]),
    ("an encoded name", "=?utf-8?B?5p2O?= <a@b.c>", [("a@b.c", "李")]),
    (
        "an encoded-word is never decoded in an address",
        "=?utf-8?Q?agent?=@victim.example",
        [("=?utf-8?q?agent?=@victim.example", "")],
    ),
    ("an address in the name does not win", '"boss@victim.example" <a@b.c>', [("a@b.c", "boss@victim.example")]),
    ("no address", "nobody", []),
    ("a broken bracket", "Ann <a@b.c", [("a@b.c", "Ann")]),
    ("a source route", "<@relay.example:a@b.c>", [("a@b.c", "")]),
]


@pytest.mark.parametrize(("sentence", "value", "found"), ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_addresses_are_read(sentence: str, value: str, found: list[tuple[str, str]]) -> None:
    assert addresses([value.encode()]) == found


IDS = [
    ("brackets", "<a@b> <c@d>", ("a@b", "c@d")),
    ("commas of Foxmail", "<a@b>,<c@d>", ("a@b", "c@d")),
    ("no brackets", "a@b c@d", ("a@b", "c@d")),
    ("a dollar of Exchange", "<01$ab$c@d>", ("01$ab$c@d",)),
    ("words before it", "Your message of Monday <a@b>", ("a@b",)),
    ("folded inside", "<a\t@b>", ("a@b",)),
    ("nothing", "<>", ()),
]


@pytest.mark.parametrize(("sentence", "value", "found"), IDS, ids=[row[0] for row in IDS])
def test_message_ids_are_read(sentence: str, value: str, found: tuple[str, ...]) -> None:
    assert message_ids([value.encode()]) == found


AUTOMATIC = [
    ("a holiday reply", "Auto-Submitted: auto-replied (vacation)", "auto-submitted"),
    ("RFC 3834 parameters are no obstacle", "Auto-Submitted: auto-generated; owner-email=a@b", "auto-submitted"),
    ("Auto-Submitted no is a person", "Auto-Submitted: No", ""),
    ("bulk", "Precedence: Bulk", "precedence"),
    ("first-class is a person", "Precedence: first-class", ""),
    ("QQ's holiday reply", "X-QQ-AUTO-REPLY: true", "x-qq-auto-reply"),
    ("another desk's acknowledgement", "X-Auto-Response-Suppress: OOF, AutoReply", "x-auto-response-suppress"),
    ("suppressing receipts only is a person", "X-Auto-Response-Suppress: DR, RN", ""),
    ("a loop mark", "X-Loop: yes", "x-loop"),
    ("a gateway's loop mark of another name is a person", "X-CFilter-Loop: Reflected", ""),
    ("a mailing list", "List-Id: <l.example>", "list-id"),
    ("an Exchange rule", "X-MS-Exchange-Inbox-Rules-Loop: a@b", "x-ms-exchange-inbox-rules-loop"),
    ("a no-reply address", "From: no-reply@shop.example", "from"),
    ("a do-not-reply address", "From: DoNotReply@shop.example", "from"),
    ("a list owner", "From: owner-list@shop.example", "from"),
    ("a person whose name holds reply", "From: reply.smith@shop.example", ""),
    ("a Chinese holiday reply", "Subject: 自动回复: 无法充值", "subject"),
    ("one in brackets", "Subject: （自动回复）Re：无法充值", "subject"),
    ("out of office", "Subject: Out of Office: Re: x", "subject"),
    ("an answer to a holiday reply is a person", "Subject: Re: Automatic reply: x", ""),
    ("a person", "Subject: portal down", ""),
]


@pytest.mark.parametrize(("sentence", "header", "by"), AUTOMATIC, ids=[row[0] for row in AUTOMATIC])
def test_what_wrote_a_mail_is_told(sentence: str, header: str, by: str) -> None:
    head = header if header.startswith("From") else f"From: li@customer.example\n{header}"
    mail = mail_of(head).mail
    assert mail is not None
    assert mail.automatic.partition(":")[0] == by
    assert mail.bounce == ""


BOUNCES = [
    ("a delivery report", 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', True),
    (
        "a complaint of a mail provider",
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
        True,
    ),
    (
        "failed recipients, though Exim marks them auto-replied",
        "X-Failed-Recipients: a@b.c\nAuto-Submitted: auto-replied",
        True,
    ),
    ("the mailer daemon", "From: MAILER-DAEMON@mx.example", True),
    ("a postmaster", "From: postmaster@mx.example", True),
    ("a Chinese bounce", "Subject: 系统退信", True),
    ("an English bounce", "Subject: Undeliverable: [INC-1] x", True),
    ("a customer's question about bounces", "Subject: 请问我们的退信率怎么查", False),
    (
        "a holiday reply that a relay passed on as mailer daemon",
        "From: MAILER-DAEMON@relay.example\nSubject: （自动回复）Re：x",
        False,
    ),
    ("an answer to a mail about bounces", "Subject: Undeliverable: x\nIn-Reply-To: <a@b>", False),
]


@pytest.mark.parametrize(("sentence", "header", "is_bounce"), BOUNCES, ids=[row[0] for row in BOUNCES])
def test_a_bounce_is_told_from_other_mail(sentence: str, header: str, is_bounce: bool) -> None:
    head = header if header.startswith("From") else f"From: li@customer.example\n{header}"
    mail = mail_of(head).mail
    assert mail is not None
    assert bool(mail.bounce) is is_bounce
    assert mail.automatic or not is_bounce


def test_a_null_return_path_is_never_answered() -> None:
    mail = mail_of("From: li@customer.example", mail_from="").mail
    assert mail is not None
    assert mail.automatic == "return-path: <>"


def test_an_unknown_return_path_of_a_mailbox_is_no_null_path() -> None:
    raw = Raw(1, "email", "support", "customer_mail", 0, b"From: li@customer.example\r\n\r\nhello")
    mail = customer_mail.parse(raw)[0].mail
    assert mail is not None
    assert mail.automatic == ""


URGENT = [
    ("X-Priority: 1", True),
    ("X-Priority: 1 (Highest)", True),
    ("X-Priority: 10", False),
    ("X-Priority: 3", False),
    ("Importance: High", True),
    ("Importance: normal", False),
    ("Priority: urgent", True),
    ("Priority: normal", False),
]


@pytest.mark.parametrize(("header", "is_urgent"), URGENT)
def test_urgent_headers(header: str, is_urgent: bool) -> None:
    mail = mail_of(f"From: li@customer.example\n{header}").mail
    assert mail is not None
    assert bool(mail.urgent_header) is is_urgent


OWN = [
    (
        "Gmail",
        "Still broken.\n\nOn Thu, 1 Jan 2026 at 08:00, Desk <s@example.com> wrote:\n\n> solved?\n",
        "Still broken.",
    ),
    (
        "a wrapped attribution",
        "Yes.\n\nOn Thu, 1 Jan 2026 at 08:00, The Service Desk of Example\n<s@example.com> wrote:\n> x",
        "Yes.",
    ),
    ("Chinese Gmail", "好了\n\n张三 <z@example.com> 于2026年1月1日周四 08:00写道：\n\n> 解决了吗\n", "好了"),
    ("163", '好了\n\n在 2026-01-01 08:00:00，"服务台" <s@example.com> 写道：\n\n解决了吗？请回复是或否\n', "好了"),
    ("QQ", '已恢复\n\n\n------------------ 原始邮件 ------------------\n发件人: "服务台"\n解决了吗', "已恢复"),
    (
        "Outlook",
        "Works.\n\n________________________________\nFrom: Desk\nSent: Thursday\nTo: Ann\nSubject: x\n\nsolved?",
        "Works.",
    ),
    (
        "Chinese Outlook",
        "可以了\n\n发件人: 服务台\n发送时间: 2026年1月1日\n收件人: 李雷\n主题: x\n\n解决了吗",
        "可以了",
    ),
    ("Outlook Express", "Works.\n\n-----Original Message-----\nFrom: Desk\nsolved?", "Works."),
    ("German", "Danke\n\nAm 01.01.2026 um 08:00 schrieb Desk:\n> geht es?", "Danke"),
    ("answers below the quote stay", "> solved?\n\nno, not yet", "no, not yet"),
    ("answers between quotes stay", "On 1 Jan 2026 Desk wrote:\n> a?\nyes\n> b?\nno", "yes\nno"),
    ("a signature", "Thanks\n-- \nAnn\nExample Ltd", "Thanks"),
    ("a phone's signature", "好了\n\n发自我的iPhone", "好了"),
    ("our own mark", "works\n\n-- Please type your reply above this line --\nold text", "works"),
    (
        "a sentence that ends in wrote: is no attribution",
        "I read what you wrote:\nit is fine",
        "I read what you wrote:\nit is fine",
    ),
    ("nothing but a quote", "> solved?\n> please answer", ""),
]


@pytest.mark.parametrize(("sentence", "text", "own"), OWN, ids=[row[0] for row in OWN])
def test_own_words_of_a_reply(sentence: str, text: str, own: str) -> None:
    assert own_text(text, is_reply=True) == own


def test_a_new_mail_that_looks_quoted_keeps_its_words() -> None:
    assert own_text("> the portal is down", is_reply=False) == "> the portal is down"
