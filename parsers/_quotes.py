"""What a person wrote in a reply: without quotations, without signatures, without marks of mail programs.

Rules, not learning: lines that open a quotation in the mail programs of China and elsewhere. Answers between or
below quoted lines are kept. When nothing would remain of a mail that answers nothing, its whole text stays.
"""

from __future__ import annotations

import re
from itertools import islice

MAX_LINES = 5000

# What the last line of "On … wrote:" ends with, colon, dashes and a trailing <address> aside.
_VERBS = (
    "wrote", "writes", "said", "schrieb", "a écrit", "escribió", "escreveu", "ha scritto", "scrisse", "schreef",
    "geschreven", "skrev", "kirjoitti", "napisał", "napisał(a)", "napsal", "napsal(a)", "написал", "написала",
    "написал(а)", "пишет", "пише", "yazdı", "写道", "写到", "寫道", "書きました", "のメッセージ", "님이 작성", "작성",
)  # fmt: skip
# The verb amid the line: "Am 3.2.2016 schrieb Max <m@x>:".
_AMID = tuple(
    f" {verb} " for verb in ("schrieb", "schreef", "a écrit", "escribió", "escreveu", "ha scritto", "skrev", "wrote")
)
_GMAIL = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?,? \d\d?:\d\d(?::\d\d)? (?:GMT|UTC)?[+-]\d\d?:?\d\d .", re.IGNORECASE)
_OPENS_ATTRIBUTION = re.compile(
    r"(?:[-*_>\s]*)(?:on|at|in|am|le|el|il|op|em|den|dne|dnia|w dniu|na|в|på|pe|tarihinde|在|于|於|\d{1,4}[-/.年 ]|\"|“"
    r"|'|<?[^\s@]+@"
    r"|mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim|周|星期)",
    re.IGNORECASE,
)
_WHEN_OR_WHO = re.compile(r"\d|@|<")
_BANNER = re.compile(
    r"[\s*]*[-_=—－─~]{2,}\s*(?:original (?:message|mail|appointment|e-?mail)|forwarded (?:message|by .{0,80})"
    r"|reply message"
    r"|begin forwarded message|ursprüngliche nachricht|original-?nachricht|message (?:d'origine|original|transféré)"
    r"|mensaje original|messaggio originale"
    r"|mensagem original|oorspronkelijk bericht|originalmeddelande|ursprungligt meddelande|oprindelig meddelelse"
    r"|исходное сообщение"
    r"|пересылаемое сообщение|original|原始邮件|原始郵件|邮件原件|原邮件|原郵件|原始信息|原始消息|回复的?原?邮件"
    r"|转发(?:的)?邮件(?:信息)?|轉寄郵件"
    r"|回复邮件信息|元のメッセージ|원본 메(?:시지|일))\s*[-_=—－─~]*[\s*]*\Z",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"(?:begin forwarded message|anfang der weitergeleiteten|début du message réexpédié)\b.{0,60}\Z", re.IGNORECASE
)
_ABOVE = re.compile(
    r".{0,40}(?:(?:reply|respond|type your reply|write|respond to this email) (?:\w+ ){0,3}above this line|请(?:在"
    r"|于)?此行(?:以上|上方|之上)"
    r"|請(?:在|於)此行(?:以上|上方))",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"[\s*>|]*(?:from|von|de|da|van|fra|från|od|lähettäjä|от|kimden|发件人|寄件者|寄件人|發件人|差出人|送信者"
    r"|보낸 ?사람|发自"
    r"|发信人)\s*\*?\s*[:：]",
    re.IGNORECASE,
)
_OTHER_FIELD = re.compile(
    r"[\s*>|]*(?:sent|date|to|cc|subject|reply-to|gesendet|datum|an|betreff|envoyé|à|objet|enviado(?: el)?|fecha"
    r"|para|asunto|assunto"
    r"|data|inviato|a|oggetto|verzonden|aan|onderwerp|skickat|till|ämne|sendt|til|emne|отправлено|дата|кому|тема"
    r"|wysłano|do|temat"
    r"|gönderme tarihi|kime|konu|发送时间|发送日期|日期|时间|收件人|主题|抄送|寄件日期|傳送時間|收件者|主旨|副本"
    r"|發送時間|送信日時|日時|宛先|件名"
    r"|보낸 ?날짜|날짜|받는 ?사람|제목|참조)\s*\*?\s*[:：]",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*[-_=*─—]{3,}\s*\Z")
_SIGNATURE = re.compile(r"(?:--|—|-- )\s*\Z|_{20,}\s*\Z")
_DEVICE = re.compile(
    r"[\s*(<]*(?:(?:sent|envoyé|von meinem|enviado|inviato|verstuurd|skickat|sendt|wysłane|отправлено) (?:from"
    r"|de(?:sde|puis)?|da(?:l)?|vanaf|från|fra|z|с|using|via|with)"
    r" .{0,60}(?:phone|ipad|ios|android|samsung|huawei|xiaomi|galaxy|mobile|outlook|mail|blackberry|handheld|iphone"
    r"|gmail|yahoo|airmail|spark)\b.{0,60}"
    r"|get \[?outlook for .{0,100}|sent from my .{1,60}|sent (?:from|by) (?:a |an )?\[?(?:mail|phone|mobile|iphone"
    r"|ipad|android|galaxy|samsung|outlook|blackberry)\b.{0,100}"
    r"|diese nachricht wurde von meinem .{0,60} gesendet\.?|von meinem .{0,40} gesendet|verzonden (?:met|vanaf"
    r"|via) .{0,40}|发自(?:我的|我|).{0,40}|发送自.{0,40}|來自我的.{0,40}|從我的 ?.{0,30}傳送|从我的.{0,30}(?:发送"
    r"|发出)|从 ?(?:ios|android"
    r"|windows|mac).{0,30}版.{0,20}"
    r"|来自.{0,20}(?:邮箱|手机|客户端).{0,20}|由网易.{0,20}|iPhone ?から送信.{0,20}|(?:나의|내) .{0,20}(?:보냄"
    r"|보낸).{0,20})[\s*]*\Z",
    re.IGNORECASE,
)


_MARKED = (">", "＞")
_ENDS = (":", "：", ">", "--")
_BANNER_STARTS = frozenset("-_=*—－─~")


def own_text(text: str, *, is_reply: bool) -> str:
    """The writer's own words. `is_reply`: the mail answers another, so that nothing may rightly remain."""
    lines = text.replace("\r\n", "\n").split("\n")[:MAX_LINES]
    own = "\n".join(_without_signature(_without_quotes(lines))).strip()
    if own or is_reply:
        return own
    return "\n".join(_without_signature(lines)).strip() or text.strip()


def _without_quotes(lines: list[str]) -> list[str]:
    bare = [line.strip() for line in lines]
    attributions = _attributions(bare)
    kept: list[str] = []
    number, count = 0, len(lines)
    while number < count:
        line = bare[number]
        if line.startswith(_MARKED) or (line.startswith("| ") and _all_bars(bare, number)):
            number += 1
        elif taken := attributions.get(number, 0):
            after = next((one for one in islice(bare, number + taken, None) if one), "")
            if not after.startswith(_MARKED):
                break  # the quotation below is not marked: there is no telling where it ends
            number += taken
        elif line and _opens_quotation(bare, number):
            break
        else:
            kept.append(lines[number])
            number += 1
    while kept and (not kept[-1].strip() or _RULE.match(kept[-1])):
        kept.pop()
    return kept


def _opens_quotation(bare: list[str], number: int) -> bool:
    """Whether all from this line on is quoted. The cheap looks at a line come first: most lines end there."""
    line = bare[number]
    if line[0] in _BANNER_STARTS and len(line) < 200 and _BANNER.match(line):
        return True
    head = line[:40]
    if (":" in head or "：" in head) and (_is_header_block(bare, number) or _FORWARD.match(line)):
        return True
    return ("line" in line or "此行" in line) and _ABOVE.match(line) is not None


def _all_bars(bare: list[str], number: int) -> bool:
    return all(one.startswith("|") for one in bare[number : number + 3] if one)


def _attributions(bare: list[str]) -> dict[int, int]:
    """Where a "On … wrote:" begins, and how many lines, up to four, it takes. Found from its last line: few end so."""
    found: dict[int, int] = {}
    for last, line in enumerate(bare):
        if len(line) > 400 or not line.endswith(_ENDS) or line.startswith(_MARKED):
            continue
        best = last if len(line) < 200 and _wrote(line) else -1
        for first in range(last, max(last - 4, -1), -1):
            joined = " ".join(bare[first : last + 1])
            if not bare[first] or first in found or len(joined) > 400:
                break
            if _GMAIL.match(joined) or (_OPENS_ATTRIBUTION.match(joined) and (_wrote(joined) or _wrote_amid(joined))):
                best = first
        if best >= 0:
            found[best] = last - best + 1
    return found


def _wrote(joined: str) -> bool:
    tail = joined[-320:].rstrip(":： -")
    if tail.endswith(">"):
        tail = tail.rpartition("<")[0].rstrip(":： ")
    return tail.casefold().endswith(_VERBS) and _WHEN_OR_WHO.search(joined) is not None


def _wrote_amid(joined: str) -> bool:
    if not joined.endswith((":", "：", ">")):
        return False
    folded = joined.casefold()
    found = max(folded.find(verb) for verb in _AMID)
    return found > 0 and any(c.isdigit() for c in folded[:found])


def _is_header_block(bare: list[str], number: int) -> bool:
    """ "From:" with at least two of its companions in the lines below: the way of Outlook, Foxmail and most others."""
    if not _FROM.match(bare[number]):
        return False
    fields = sum(_OTHER_FIELD.match(line) is not None for line in bare[number + 1 : number + 9])
    return fields >= 2


def _without_signature(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if line[:1] in "-—_" and line and _SIGNATURE.match(line) and (line.startswith("--") or number > 0):
            lines = lines[:number]
            break
    tail = max(len(lines) - 15, 0)
    return [line for number, line in enumerate(lines) if number < tail or len(line) > 200 or not _DEVICE.match(line)]
