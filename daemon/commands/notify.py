"""`tocsin notify test`: one real message through one channel, without the daemon."""

from __future__ import annotations

import argparse
import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import channels
from daemon.clock import SystemClock
from daemon.commands.call import Failed, Wrong, load_config, put
from daemon.commands.options import command, group

if TYPE_CHECKING:
    from daemon.config import Config

WORDS = {
    "zh_CN": ("tocsin 测试消息", "这是 tocsin 的一条测试消息。收到它,说明该通道可用。"),
    "en": ("tocsin test message", "This is a test message of tocsin. If you read it, the channel works."),
}


def add(commands: Any) -> None:
    family = group(commands, "notify", "messages by hand")
    test = command(family, "test", send_test, "send one real message through one channel")
    test.add_argument("--channel", required=True, metavar="C", help="as in [channels.C]")
    test.add_argument("--to", required=True, metavar="ADDRESS")


def send_test(args: argparse.Namespace) -> int:
    config = load_config(args)
    if args.channel not in config.channels:
        known = ", ".join(sorted(config.channels)) or "none"
        raise Wrong(f"tocsin: --channel: the config has no [channels.{args.channel}] (it has {known})")
    try:
        remote = asyncio.run(_send(config, args.channel, args.to))
    except channels.DeliveryError as fault:
        raise Failed(f"{args.channel} did not take it: {fault}") from None
    put(f"sent to {args.to} through {args.channel}" + (f" ({remote})" if remote else ""))
    return 0


async def _send(config: Config, name: str, to: str) -> str:
    module, ident = channels.load()[name], uuid.uuid4().hex
    subject, text = WORDS.get(config.locale, WORDS["en"])
    channel = module.Channel(config.channels[name])
    message = channels.Message(
        key=f"test/{ident}",
        channel=name,
        to=to,
        subject=subject,
        text=text,
        at=SystemClock().now(),
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        return str(await channel.send(message))
    finally:
        await channel.close()
