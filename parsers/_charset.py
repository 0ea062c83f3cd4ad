"""Bytes of hostile mail to text: declared charsets are hints that are often wrong, and none of this raises.

Order: strict UTF-8 (a wrong "gb2312" or "big5" over UTF-8 text is common, the reverse is not), then the declared
charset by its widest superset (gb2312 is gb18030 in life, ks_c_5601-1987 is cp949), then a guess from the bytes.
Seven-bit and wide charsets come first when declared, because their bytes always look like valid UTF-8.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from parsers import clean

# Declared name (lower case, without -, _ and spaces) -> Python codecs to try in this order.
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "utf8": ("utf-8",),
    "uft8": ("utf-8",),
    "utf": ("utf-8",),
    "utf8mb4": ("utf-8",),
    "unicode11utf8": ("utf-8",),
    "usascii": ("utf-8",),
    "ascii": ("utf-8",),
    "7bit": ("utf-8",),
    "8bit": ("utf-8",),
    "gb2312": ("gb18030",),
    "gb23121980": ("gb18030",),
    "csgb2312": ("gb18030",),
    "euccn": ("gb18030",),
    "gbk": ("gb18030",),
    "xgbk": ("gb18030",),
    "xeuccn": ("gb18030",),
    "cp936": ("gb18030",),
    "ms936": ("gb18030",),
    "windows936": ("gb18030",),
    "gb18030": ("gb18030",),
    "chinese": ("gb18030",),
    "isoir58": ("gb18030",),
    "hzgb2312": ("hz",),
    "hz": ("hz",),
    "big5": ("cp950", "big5hkscs"),
    "xbig5": ("cp950", "big5hkscs"),
    "cnbig5": ("cp950", "big5hkscs"),
    "cp950": ("cp950", "big5hkscs"),
    "big5hkscs": ("big5hkscs", "cp950"),
    "ksc56011987": ("cp949",),
    "ksc5601": ("cp949",),
    "ksc56011992": ("cp949",),
    "euckr": ("cp949",),
    "uhc": ("cp949",),
    "cp949": ("cp949",),
    "windows949": ("cp949",),
    "iso2022kr": ("iso2022_kr",),
    "shiftjis": ("cp932", "shift_jis_2004"),
    "sjis": ("cp932", "shift_jis_2004"),
    "xsjis": ("cp932", "shift_jis_2004"),
    "mskanji": ("cp932",),
    "windows31j": ("cp932",),
    "cp932": ("cp932",),
    "eucjp": ("euc_jp", "euc_jis_2004"),
    "xeucjp": ("euc_jp", "euc_jis_2004"),
    "iso2022jp": ("iso2022_jp_ext",),
    "iso2022jpms": ("iso2022_jp_ext",),
    "iso2022jp1": ("iso2022_jp_ext",),
    "iso2022jp2": ("iso2022_jp_2", "iso2022_jp_ext"),
    "csiso2022jp": ("iso2022_jp_ext",),
    "cp50220": ("iso2022_jp_ext",),
    "cp50221": ("iso2022_jp_ext",),
    "unicode11utf7": ("utf-7",),
    "xunicode11utf7": ("utf-7",),
    "utf7": ("utf-7",),
    "utf16": ("utf-16",),
    "utf16le": ("utf-16-le",),
    "utf16be": ("utf-16-be",),
    "ucs2": ("utf-16",),
    "iso10646ucs2": ("utf-16-be",),
    "utf32": ("utf-32",),
    "iso88591": ("cp1252", "latin-1"),
    "latin1": ("cp1252", "latin-1"),
    "cp1252": ("cp1252", "latin-1"),
    "windows1252": ("cp1252", "latin-1"),
    "ansi": ("cp1252", "latin-1"),
    "iso88598i": ("iso8859-8",),
    "iso88598e": ("iso8859-8",),
    "iso88599": ("cp1254", "iso8859-9"),
    "iso885911": ("cp874", "tis-620"),
    "tis620": ("cp874", "tis-620"),
    "koi8": ("koi8-r",),
    "xmacroman": ("mac-roman",),
    "macintosh": ("mac-roman",),
    "xmaccyrillic": ("mac-cyrillic",),
}  # fmt: skip

# What else codecs.lookup() may find. A list, since some codecs are quadratic (punycode, idna) or no charset at all.
_KNOWN = re.compile(r"(iso8859-\d+|cp\d{3,4}|koi8-[rut]|mac-[a-z]+|euc_[a-z]+|kz1048|ptcp154|johab)\Z")

# Bytes of these are plain ASCII or full of NUL, so that UTF-8 would always accept them.
_LOOKS_LIKE_UTF8 = frozenset({"hz", "utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso2022_kr"})
_DOUBLE_BYTE = frozenset({"gb18030", "cp950", "big5hkscs", "cp949", "cp932", "euc_jp", "johab"})
_POISON = re.compile("[\0\ud800-\udfff]")
# A pair of the common rows (group empty), else any two high bytes, else a lone one.
_GB_PAIR = re.compile(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]|([\x80-\xff][\x80-\xff]?)")
_HIGH = re.compile(rb"[\x80-\xff]+")


@lru_cache(maxsize=512)
def candidates(declared: str) -> tuple[str, ...]:
    """The Python codecs to try for a declared charset, none when it is unknown."""
    name = re.sub(r"[\s_\-'\"]+", "", declared[:60].lower()).partition(";")[0].partition("$")[0]
    name = name.removeprefix("cs") if name not in _SPELLINGS and name[2:] in _SPELLINGS else name
    if found := _SPELLINGS.get(name):
        return found
    spelt = declared[:60].strip().strip("'\"").lower()
    try:
        known = codecs.lookup(
            re.sub(r"^(x-|win-?(?=125)|windows(?=125))", lambda m: "" if m[0] == "x-" else "cp", spelt)
        )
    except (LookupError, ValueError):
        return ()
    return (known.name,) if _KNOWN.match(known.name) else ()


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text of `data`, and what was wrong with its charset ("" when nothing was)."""
    if not data:
        return "", ""
    tried = candidates(declared) if declared else ()
    if tried and (tried[0] in _LOOKS_LIKE_UTF8 or tried[0].startswith("iso2022")):
        return _stateful(data, tried, declared)
    if data.isascii():
        if b"\x1b" in data and (text := _escapes(data)) is not None:
            return text, ""
        return data.decode("ascii"), ""
    text = _strict(data, "utf-8")
    if text is not None and not _doubtful(text, tried):
        return text.removeprefix("\ufeff"), ""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} and (wide := _strict(data, "utf-16")) is not None:
        return wide, ""
    chinese = (not tried or tried[0] in {"utf-8", "cp1252"}) and _chinese(data)
    for codec in tried:
        if codec == "utf-8" or (chinese and codec in {"cp1252", "latin-1"}):
            continue  # GBK text under the label iso-8859-1 or us-ascii: clients in China do it
        if (decoded := _strict(data, codec)) is not None:
            return decoded, ""
    if text is not None:
        return text, ""
    return _guess(data, tried, declared, chinese)


def tidy(text: str, limit: int) -> str:
    """`parsers.clean` at the price of a search where there is nothing to clean."""
    if text.isascii() and "\0" not in text:
        return text[:limit]
    return clean(text, limit) if _POISON.search(text) else text[:limit]


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _doubtful(text: str, tried: tuple[str, ...]) -> bool:
    """Short Chinese text in a double-byte charset can pass as UTF-8, but then as characters below U+0800 only."""
    return bool(tried) and tried[0] in _DOUBLE_BYTE and max(text) < "\u0800"


def _stateful(data: bytes, tried: tuple[str, ...], declared: str) -> tuple[str, str]:
    if not data.isascii() and not tried[0].startswith("utf-") and (text := _strict(data, "utf-8")) is not None:
        return text, f"charset {declared[:40]} declared, text is utf-8"
    for codec in tried:
        if codec.startswith("iso2022_jp"):
            if (text := _escapes(data)) is not None:
                return text, ""
        elif (text := _strict(data, codec)) is not None:
            return text.removeprefix("\ufeff"), ""
    if tried[0].startswith("utf-16") or tried[0].startswith("utf-32"):
        if b"\x00" not in data[:400] and (text := _strict(data, "utf-8")) is not None:
            return text, f"charset {declared[:40]} declared, text is utf-8"
        return data.decode(tried[0], "replace"), f"text is not valid {declared[:40]}"
    if data.isascii():
        return data.decode("ascii"), f"text is not valid {declared[:40]}"
    return _guess(data, (), declared, _chinese(data))


def _escapes(data: bytes) -> str | None:
    """ISO-2022-JP in its dialects. The second try reads NEC's row 13 (circled digits) by way of JIS X 0213."""
    for attempt in (data, data.replace(b"\x1b$B", b"\x1b$(Q")):
        for codec in ("iso2022_jp_ext", "iso2022_jp_2", "iso2022_jp_2004"):
            if (text := _strict(attempt, codec)) is not None:
                return text
    return None


def _chinese(data: bytes) -> bool:
    """Whether high bytes come in pairs of the common GB 2312 rows, as in Chinese text and hardly anywhere else."""
    head = data[:4_000]
    others = [len(other) for other in _GB_PAIR.findall(head)]
    common, odd = others.count(0), others.count(1)
    return common > 0 and common >= 0.6 * (len(others) - odd) and odd <= 0.2 * len(others)


def _guess(data: bytes, tried: tuple[str, ...], declared: str, chinese: bool) -> tuple[str, str]:
    label = declared[:40] or "no charset"
    text = data.decode("utf-8", "replace")
    high = sum(len(run) for run in _HIGH.findall(data))
    if text.count("\ufffd") * (3 if tried == ("utf-8",) else 8) <= high:
        return text, f"{label}: damaged utf-8"
    if chinese:
        text = data.decode("gb18030", "replace")
        if text.count("\ufffd") * 50 <= len(text):
            return text, f"{label}: read as gb18030"
    if tried and tried[0] != "utf-8":
        return data.decode(tried[0], "replace"), f"text is not valid {label}"
    return (_strict(data, "cp1252") or data.decode("latin-1")), f"{label}: read as latin-1"
