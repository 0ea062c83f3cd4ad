"""The doors speak through the transports of the loop, and those of uvloop differ: their tests run on both loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop

Loops = dict[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Loops:
    loops: Loops = {"asyncio": asyncio.new_event_loop}
    if item.path.name.startswith("test_door_"):
        loops["uvloop"] = uvloop.new_event_loop
    return loops
