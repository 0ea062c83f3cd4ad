"""HTML of hostile mail to plain text in a few linear passes. Nothing is rendered, fetched or executed.

No HTML library stands behind this: the passes cost about 1 ms for 60 KB, cannot recurse, and a quotation keeps its
`>` so that what a customer wrote can be told from what was quoted.
"""

from __future__ import annotations

import html
import re

MAX_HTML = 2_000_000  # characters read of one part

_HIDDEN = ("script", "style", "head", "title", "template", "svg")
_TAG = re.compile(r"<(/?[A-Za-z!?][\w:.-]*|!\[)(?=[^\w:.@-])[^<>]*>")
_PRE = re.compile(r"<pre(?=[\s/>])[^<>]*>", re.IGNORECASE)
_UNSEEN = re.compile("[\u200b-\u200f\ufeff\u00ad\u2060]")
_OPEN, _CLOSE, _BREAK = "\x01", "\x02", "\x03"  # quotation opens, closes; a line ends
_BLOCKS = "p div tr table ul ol dl dt dd h1 h2 h3 h4 h5 h6 section article header footer center form pre address"
_MARKS = {
    **dict.fromkeys(_BLOCKS.split(), _BREAK),
    **dict.fromkeys((f"/{name}" for name in _BLOCKS.split()), _BREAK),
    **dict.fromkeys(("br", "br/", "hr", "hr/", "fieldset", "/fieldset", "/li"), _BREAK),
    **dict.fromkeys(("/td", "/th"), " "),
    "li": f"{_BREAK}- ",
    "blockquote": _BREAK + _OPEN,
    "/blockquote": _CLOSE + _BREAK,
}
_MARKS |= {name.upper(): mark for name, mark in _MARKS.items()}
_CONTROL = str.maketrans(dict.fromkeys(map(ord, (_OPEN, _CLOSE, _BREAK, "\x00"))))


def text_of(source: str) -> str:
    """The readable text: a line per block, cells apart by a space, quotations with `> `. Never raises."""
    source = (
        source[:MAX_HTML].translate(_CONTROL) if any(c in source for c in "\x00\x01\x02\x03") else source[:MAX_HTML]
    )
    source = _without(source, "<!--", "-->")
    lowered = source.lower()
    for name in _HIDDEN:
        if f"<{name}" in lowered:
            source = _without_element(source, name)
    if "<pre" in lowered:
        source = _keep_lines(source)
    source = html.unescape(_TAG.sub(lambda match: _MARKS.get(match[1], ""), source))
    if _UNSEEN.search(source):
        source = _UNSEEN.sub("", source)
    source = _lines(source)
    return (_quoted(source) if _OPEN in source else source).strip()


def _lines(source: str) -> str:
    """A line per break with its spaces squeezed; more than two breaks in a row leave one blank line."""
    out: list[str] = []
    empty = 0
    for piece in source.split(_BREAK):
        line = " ".join(piece.split())
        if line:
            if empty > 1 and out:
                out.append("")
            out.append(line)
            empty = 0
        else:
            empty += 1
    return "\n".join(out)


def _without(source: str, opening: str, closing: str) -> str:
    start = source.find(opening)
    if start < 0:
        return source
    out, position = [], 0
    while start >= 0:
        out.append(source[position:start])
        end = source.find(closing, start)
        if end < 0:  # never closed: drop the mark, keep the text, for a mail must not vanish behind it
            position = start + len(opening)
            break
        position = end + len(closing)
        start = source.find(opening, position)
    out.append(source[position:])
    return "".join(out)


def _without_element(source: str, name: str) -> str:
    """Without the elements of this name and what is in them. An element that never closes loses its tag only."""
    opening = re.compile(rf"<{name}(?=[\s/>])[^<>]*>", re.IGNORECASE)
    match = opening.search(source)
    if match is None:
        return source
    closing = re.compile(rf"</{name}\s*>", re.IGNORECASE)
    out, position = [], 0
    while match:
        end = closing.search(source, match.end())
        if end is None:
            break
        out.append(source[position : match.start()])
        position = end.end()
        match = opening.search(source, position)
    out.append(source[position:])
    return "".join(out)


def _keep_lines(source: str) -> str:
    out, position = [], 0
    while match := _PRE.search(source, position):
        out.append(source[position : match.end()])
        end = source.find("</", match.end())
        while end >= 0 and source[end + 2 : end + 5].lower() != "pre":
            end = source.find("</", end + 2)
        end = len(source) if end < 0 else end
        out.append(source[match.end() : end].replace("\n", _BREAK))
        position = end
    out.append(source[position:])
    return "".join(out)


def _quoted(text: str) -> str:
    depth, out = 0, []
    for line in text.split("\n"):
        depth = min(depth + line.count(_OPEN), 20)
        bare = line.replace(_OPEN, "").replace(_CLOSE, "").strip()
        out.append(("> " * depth + bare).rstrip() if depth else bare)
        depth = max(depth - line.count(_CLOSE), 0)
    return "\n".join(out)
