"""Header fields of hostile mail: cut before anything reads them, linear in their size, never raising.

The values stay bytes until somebody wants their text, since raw 8-bit values and encoded-words of split multibyte
characters must be joined as bytes before they are decoded (RFC 2047; raw GBK subjects).
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field

from parsers._charset import decode

MAX_BLOCK = 64 * 1024  # a header block beyond this is cut: parsers in the wild need gigabytes for some
MAX_FIELDS = 2000
MAX_PARAMS = 60

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_LEADING = re.compile(
    rb"[ \t\n]{1,2000}\n(?=(?:from|to|received|return-path|delivered-to|x-[a-z-]{1,40}|date|subject"
    rb"|message-id)[ \t]*:)",
    re.IGNORECASE,
)
# Fields that decide what a mail is. They are looked for beyond the cut too, 1 KB each.
_VITAL = re.compile(
    rb"\n(from|sender|to|cc|subject|date|message-id|in-reply-to|references|reply-to|mime-version|auto-submitted"
    rb"|content-type|content-transfer-encoding|precedence)[ \t]*:([^\n]{0,1000}(?:\n[ \t][^\n]{0,1000}){0,10})",
    re.IGNORECASE,
)
_KNOWN_FIELD = re.compile(
    rb"^(from|to|subject|date|mime-version|content-type|message-id|received)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
_WORD = re.compile(rb"=\?([^?\s=]{1,60})\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]{0,200}){0,3})\?=")
_PARAM = re.compile(rb';\s*([^\s=;"]{1,60})\s*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.DOTALL)
_GAP = re.compile(rb"[\w.+-]{1,80}/[\w.+-]{1,80}[ \t]")
_HEX = re.compile(rb"%([0-9A-Fa-f]{2})")
_CONTINUED = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?\Z")


@dataclass(slots=True)
class Headers:
    """Fields by lower-case name; values are unfolded bytes in the order of the mail."""

    fields: dict[str, list[bytes]] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)

    def raw(self, name: str) -> bytes:
        """The first value that is not blank, b"" without one."""
        return next((v for v in self.fields.get(name, ()) if v), b"")

    def all(self, name: str) -> list[bytes]:
        return self.fields.get(name, [])

    def text(self, name: str) -> str:
        """The first value with its encoded-words decoded, on one line."""
        value = self.raw(name)
        return words(value) if value else ""


def split(data: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The fields from `start` and where the body begins. Line ends must be LF already."""
    found = Headers()
    if data.startswith((b"From ", b">From "), start):  # mbox
        start = data.find(b"\n", start, end) + 1 or end
    if start < end and data[start] in b" \t\n" and (lead := _LEADING.match(data, start, end)):
        start = lead.end()  # blank lines before the first field: relays and exports leave them
    if start >= end or data.startswith(b"\n", start):
        return found, min(start + 1, end)
    blank = data.find(b"\n\n", start, end)
    stop = blank + 1 if blank >= 0 else end
    body = blank + 2 if blank >= 0 else end
    cut = stop
    if stop - start > MAX_BLOCK:
        cut = data.rfind(b"\n", start, start + MAX_BLOCK) + 1 or start + MAX_BLOCK
        found.defects.append(f"header block of {stop - start} bytes cut to {cut - start}")
    position, skipped, known = start, 0, -1
    while position < cut and len(found.fields) < MAX_FIELDS:
        match = _FIELD.match(data, position, cut)
        if match is None:
            line = data.find(b"\n", position, cut) + 1 or cut
            if position > start and not data[data.rfind(b"\n", start, position - 1) + 1 : position].strip():
                return found, position  # a line of spaces stood for the blank line
            skipped += 1
            if known < line:  # looked for once per known field, not once per line
                known = ahead.start() if (ahead := _KNOWN_FIELD.search(data, line, cut)) else end + 1
            if (skipped > 2 and not found.fields) or known > end:
                if found.fields:
                    found.defects.append("no blank line between headers and body")
                    return found, position
                return Headers(defects=["no header fields"]), start
            if skipped == 1:
                found.defects.append("lines that are no header fields were skipped")
            position = line
            continue
        value = match[2]
        if b"\n" in value:
            value = value.replace(b"\n", b"")
        found.fields.setdefault(match[1].decode("ascii").lower(), []).append(value.strip())
        position = match.end()
    if cut < stop:
        _rescue(found, data, cut - 1, stop)
    return found, body


def _rescue(found: Headers, data: bytes, start: int, stop: int) -> None:
    for match in _VITAL.finditer(data, start, stop):
        name = match[1].decode("ascii").lower()
        if name not in found.fields:
            found.fields[name] = [match[2].replace(b"\n", b"").strip()]


def words(value: bytes) -> str:
    """Text of an unstructured value: encoded-words decoded, adjacent ones of one charset joined as bytes first."""
    if b"=?" not in value:
        return value.decode("ascii") if value.isascii() and b"\x1b" not in value else decode(value)[0]
    out: list[str] = []
    pending, charset, last_b64, position = b"", b"", b"", 0
    for match in _WORD.finditer(value):
        gap = value[position : match.start()]
        name, payload = match[1].lower().partition(b"*")[0], match[3]
        if (pending or last_b64) and (gap.strip() or name != charset):
            out.append(_text(pending + _b64(last_b64), charset))
            pending, last_b64 = b"", b""
            if gap.strip():
                out.append(decode(gap)[0])
        elif not (pending or last_b64) and (gap.strip() or not out):
            out.append(decode(gap)[0])
        charset = name
        if match[2] in b"bB":
            # A word cut inside a base64 quantum, against RFC 2047: its text is joined with the next word's.
            last_b64 += payload
            if len(last_b64.strip()) % 4 == 0 or b"=" in last_b64[-2:]:
                pending, last_b64 = pending + _b64(last_b64), b""
        else:
            pending, last_b64 = pending + _b64(last_b64) + _q(payload), b""
        position = match.end()
    if pending or last_b64:
        out.append(_text(pending + _b64(last_b64), charset))
    out.append(decode(value[position:])[0])
    return "".join(out)


def _text(data: bytes, charset: bytes) -> str:
    return decode(data, charset.decode("latin-1"))[0]


def _b64(payload: bytes) -> bytes:
    return unbase64(payload) if payload else b""


def _q(payload: bytes) -> bytes:
    return binascii.a2b_qp(payload, header=True)


def unbase64(payload: bytes) -> bytes:
    """Base64 with junk, without padding, or of several padded pieces in a row. Never raises."""
    pad = payload.find(b"=")
    if 0 <= pad < len(payload) - 80 and payload[pad:].strip(b"= \t\n"):
        pieces = re.split(rb"=[=\s]*", payload, maxsplit=20_000)
        return b"".join(_quantum(piece) for piece in pieces)
    return _quantum(payload)


def _quantum(piece: bytes) -> bytes:
    try:
        return binascii.a2b_base64(piece + b"===")
    except binascii.Error:  # one character too many: the rest is still good
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", piece)
        return binascii.a2b_base64(clean[: len(clean) // 4 * 4])


def value_and_params(value: bytes) -> tuple[str, dict[str, str]]:
    """A value like Content-Type: the part before the first ";" in lower case, and the parameters (RFC 2231 too)."""
    if b"=" in (head := value[: value.find(b";")] if b";" in value else value) and (gap := _GAP.match(head)):
        value = value[: gap.end() - 1] + b";" + value[gap.end() :]  # "multipart/mixed boundary=x"
    semicolon = value.find(b";")
    if semicolon < 0:
        return value.decode("latin-1").strip().lower(), {}
    main = value[:semicolon].decode("latin-1").strip().lower()
    found: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for count, match in enumerate(_PARAM.finditer(value, semicolon)):
        if count >= MAX_PARAMS:
            break
        name = match[1].decode("latin-1").lower()
        data = match[3].strip() if match[2] is None else re.sub(rb"\\(.)", rb"\1", match[2])
        if "*" in name and (star := _CONTINUED.match(name)):
            pieces.setdefault(star[1], {})[int(star[2] or 0)] = (data, star[3] is not None)
        elif name not in found:
            found[name] = words(data)
    for name, parts in pieces.items():
        found[name] = _rfc2231(parts)
    return main, found


def _rfc2231(parts: dict[int, tuple[bytes, bool]]) -> str:
    charset, joined = "", b""
    for number in sorted(parts):
        data, is_encoded = parts[number]
        if is_encoded:
            if not joined and data.count(b"'") >= 2:
                name, _, data = data.split(b"'", 2)
                charset = name.decode("latin-1")
            data = _HEX.sub(lambda m: bytes([int(m[1], 16)]), data)
        joined += data
    return decode(joined, charset)[0]
