"""MIME of hostile mail: a bounded walk over the bytes instead of a tree of message objects.

The standard library's parser needs 15 s for 100,000 parts and dies of 1,000 nested ones; this one stops at limits,
names them as defects and goes on with what it has. It reads boundaries as the standard library does: a missing end
boundary, a boundary that never comes and a parent's boundary inside a child are all survived.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from dataclasses import dataclass, field

from parsers import MAX_TEXT, Attachment
from parsers._charset import decode, tidy
from parsers._headers import Headers, split, unbase64, value_and_params
from parsers._html import MAX_HTML, text_of

MAX_PARTS = 200
MAX_DEPTH = 20

_BODY_TEXT = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext", "text", "plain"})
_REPORT_TEXT = frozenset({"message/delivery-status", "message/feedback-report", "message/disposition-notification"})
_LF = ord("\n")
_REST_OF_MARK = re.compile(rb"(--)?[ \t]*(?=\n|\Z)")
_GUESS_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}")


@dataclass(slots=True)
class Part:
    """One node of the tree; `start` and `end` bound its encoded body."""

    headers: Headers
    kind: str
    params: dict[str, str]
    start: int
    end: int
    children: list[Part] = field(default_factory=list)
    inside: bool = False  # within an attached message: neither text nor attachment of the mail itself


@dataclass(slots=True)
class Letter:
    """What a mail holds. `kinds` are the content types of all parts; `status` the text of its report parts."""

    headers: Headers
    text: str = ""
    html: bool = False
    attachments: tuple[Attachment, ...] = ()
    kinds: tuple[str, ...] = ()
    report_type: str = ""
    status: str = ""
    defects: list[str] = field(default_factory=list)


def read(data: bytes) -> Letter:
    """The letter in these bytes. Never raises; what could not be read is named in `defects`."""
    reader = _Reader(_lf(data))
    root = reader.part(0, len(reader.data), 0, "text/plain")
    letter = Letter(root.headers, defects=reader.defects)
    letter.report_type = root.params.get("report-type", "").strip().lower()
    letter.kinds = tuple(dict.fromkeys(part.kind for part in reader.parts))
    pieces = reader.pieces(root)
    if not any(text.strip() for text, _ in pieces):
        pieces = [piece for part in reader.attached for piece in reader.pieces(part)][:1] or pieces
    letter.text = "\n\n".join(text.strip("\n") for text, _ in pieces if text.strip())[:MAX_TEXT]
    letter.html = any(is_html for _, is_html in pieces)
    letter.status = "\n".join(reader.text(p)[0] for p in reader.parts if p.kind in _REPORT_TEXT)[:MAX_TEXT]
    letter.attachments = tuple(reader.attachment(part) for part in reader.parts if reader.is_attachment(part))
    return letter


def _lf(data: bytes) -> bytes:
    """A copy with LF as its only line end: mail with bare CR, and with CR CR LF, exists."""
    if b"\r" not in data:
        return data
    data = data.replace(b"\r\r\n", b"\n") if b"\r\r\n" in data else data
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.defects: list[str] = []
        self.parts: list[Part] = []
        self.attached: list[Part] = []  # messages inside the mail
        self.first_text: Part | None = None

    def part(self, start: int, end: int, depth: int, default: str, inside: bool = False) -> Part:
        headers, body = split(self.data, start, end)
        self.defects += headers.defects if depth == 0 else ()
        value = headers.raw("content-type")
        kind, params = value_and_params(value) if value else (default, {})
        if not _GUESS_TYPE.fullmatch(kind) and kind not in _BODY_TEXT:
            kind = default
        part = Part(headers, kind, params, body, end, inside=inside)
        self.parts.append(part)
        if kind.startswith("multipart/"):
            if depth >= MAX_DEPTH:
                self.defect(f"parts nested deeper than {MAX_DEPTH}: the rest is read as text")
                part.kind = "text/plain"
            else:
                self.split_parts(part, depth)
        elif kind in {"message/rfc822", "message/global", "message/news"} and depth < MAX_DEPTH:
            if len(self.parts) < MAX_PARTS and self.encoding(part) not in {"base64", "quoted-printable"}:
                child = self.part(body, end, depth + 1, "text/plain", inside=True)
                part.children.append(child)
                self.attached.append(child)
        elif self.first_text is None and kind in _BODY_TEXT and not inside:
            self.first_text = part
        return part

    def split_parts(self, part: Part, depth: int) -> None:
        boundary = part.params.get("boundary", "").rstrip()[:250]
        default = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
        spans = self.spans(boundary.encode("utf-8", "replace"), part.start, part.end) if boundary else []
        if not spans:
            self.defect("multipart without its boundary: read as text")
            part.kind = "text/plain"
            self.first_text = self.first_text or part
            return
        for start, end in spans:
            if len(self.parts) >= MAX_PARTS:
                self.defect(f"more than {MAX_PARTS} parts: the rest was left unread")
                return
            part.children.append(self.part(start, end, depth + 1, default, part.inside))

    def spans(self, boundary: bytes, start: int, end: int) -> list[tuple[int, int]]:
        """Where the parts between boundary lines lie. At most `MAX_PARTS` and one."""
        mark = b"--" + boundary
        found: list[tuple[int, int]] = []
        open_at = -1
        position = self.data.find(mark, start, end)
        while position >= 0 and len(found) <= MAX_PARTS:
            tail = position + len(mark)
            at_line_start = position == start or self.data[position - 1] == _LF
            if at_line_start and (match := _REST_OF_MARK.match(self.data, tail, end)):
                if open_at >= 0:
                    found.append((open_at, max(position - 1, open_at)))
                open_at = min(match.end() + 1, end)
                tail = match.end()
                if match[1]:
                    return found
            position = self.data.find(mark, tail, end)
        if open_at >= 0 and len(found) <= MAX_PARTS:
            self.defect("no end boundary")
            found.append((open_at, end))
        return found

    def defect(self, words: str) -> None:
        if words not in self.defects and len(self.defects) < 50:
            self.defects.append(words)

    def encoding(self, part: Part) -> str:
        value = part.headers.raw("content-transfer-encoding")
        return value.decode("latin-1").partition(";")[0].strip().strip("\"'").lower()

    def bytes_of(self, part: Part, limit: int | None = None) -> bytes:
        """The decoded body, of at most about `limit` encoded bytes."""
        end = part.end if limit is None else min(part.end, part.start + limit)
        raw, encoding = self.data[part.start : end], self.encoding(part)
        if encoding == "base64":
            return unbase64(raw)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(raw)
        if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
            return self.uudecoded(raw)
        if encoding not in {"", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits"}:
            self.defect(f"unknown transfer encoding {tidy(encoding, 40)}")
        return raw

    def uudecoded(self, raw: bytes) -> bytes:
        out: list[bytes] = []
        for line in raw.split(b"\n"):
            if line.startswith((b"begin ", b"end")) or not line:
                continue
            try:
                out.append(binascii.a2b_uu(line))
            except binascii.Error:
                self.defect("damaged uuencoded part")
        return b"".join(out)

    def text(self, part: Part) -> tuple[str, bool]:
        """The text of a leaf, and whether it was made from HTML."""
        is_html = part.kind == "text/html"
        limit = MAX_HTML if is_html else 4 * MAX_TEXT
        if part.end - part.start > limit:
            self.defect(f"a text part of {part.end - part.start} bytes was cut to {limit}")
        text, wrong = decode(self.bytes_of(part, limit), part.params.get("charset", ""))
        if wrong:
            self.defect(tidy(wrong, 100))
        if is_html or part.kind in {"text/enriched", "text/richtext"}:
            return text_of(text), is_html
        return text, False

    def disposition(self, part: Part) -> tuple[str, dict[str, str]]:
        value = part.headers.raw("content-disposition")
        return value_and_params(value) if value else ("", {})

    def is_body(self, part: Part) -> bool:
        if part.kind in _REPORT_TEXT:
            return True
        if part.kind not in _BODY_TEXT:
            return False
        disposition, params = self.disposition(part)
        if disposition == "attachment":
            return False
        return part is self.first_text or not (params.get("filename") or part.params.get("name"))

    def is_attachment(self, part: Part) -> bool:
        if part.inside or (part.kind.startswith("multipart/") and part.children):
            return False
        return not self.is_body(part)

    def attachment(self, part: Part) -> Attachment:
        params = self.disposition(part)[1]
        name = params.get("filename") or part.params.get("name") or ""
        if not name and part.children:
            name = f"{part.children[0].headers.text('subject')[:80] or 'message'}.eml"
        data = self.bytes_of(part)
        name = " ".join(tidy(name, 200).split()).replace("\\", "/").rpartition("/")[2]
        return Attachment(name, tidy(part.kind, 100), len(data), hashlib.sha256(data).hexdigest())

    def pieces(self, part: Part) -> list[tuple[str, bool]]:
        """The texts of the mail in order. Of alternatives: plain text, unless it is blank; else the last readable."""
        if not part.children:
            return [self.text(part)] if self.is_body(part) else []
        if part.kind.startswith("message/"):
            return []
        if part.kind != "multipart/alternative":
            return [piece for child in part.children for piece in self.pieces(child)]
        chosen: list[tuple[str, bool]] = []
        for child in sorted(part.children, key=_html_last):
            found = self.pieces(child)
            if any(text.strip() for text, _ in found):
                chosen = found
                if not any(is_html for _, is_html in found):
                    break
        return chosen


def _html_last(part: Part) -> bool:
    return part.kind != "text/plain"
