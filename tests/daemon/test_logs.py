"""Log lines say when in the configured timezone, with its offset."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from daemon import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("tocsin")
    kept = root.handlers[:], root.level, own.level
    flags = logging.logProcesses, logging.logThreads, logging.logMultiprocessing
    yield
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    own.setLevel(kept[2])
    logging.logProcesses, logging.logThreads, logging.logMultiprocessing = flags


@pytest.mark.parametrize(("zone", "offset"), [("Asia/Shanghai", r"\+08:00"), ("UTC", r"\+00:00")])
def test_both_formats_carry_the_offset(zone: str, offset: str, capsys: pytest.CaptureFixture[str]) -> None:
    instant = rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}{offset}"
    for format_ in ("text", "json"):
        logs.configure("info", format_, ZoneInfo(zone))
        logging.getLogger("tocsin.test").info("ready")
        line = capsys.readouterr().err
        if format_ == "text":
            assert re.fullmatch(rf"{instant} INFO tocsin\.test ready\n", line)
        else:
            assert re.fullmatch(instant, json.loads(line)["at"])
