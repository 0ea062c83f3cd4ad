"""A scripted IMAP server for what Dovecot cannot do: it speaks just enough IMAP, and as badly as a test wants.

`before` and `after` are the capabilities before and after LOGIN; `mails` is UID -> bytes; `answers` maps a command
("SELECT", "UID FETCH", "IDLE" …) to a function that may answer in its place: it gets the session and the arguments and
returns False to let the ordinary answer go out. Every command line is kept in `commands`.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PASSWORD = "mailbox-secret"
Answer = Callable[["Talk", str], bool]


class Script:
    def __init__(self) -> None:
        self.before = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2"
        self.after = "IMAP4rev1 IDLE UIDPLUS MOVE ID"
        self.mails: dict[int, bytes] = {}
        self.flags: dict[int, set[str]] = {}
        self.sizes: dict[int, int] = {}
        self.uidvalidity = 7
        self.wants_id = False
        self.tokens: set[str] = set()
        self.answers: dict[str, Answer] = {}
        self.commands: list[str] = []
        self.connections = 0
        self.live: list[Talk] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            talk = Talk(self, connection)
            self.live.append(talk)
            threading.Thread(target=talk.run, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for talk in self.live:
            talk.hang_up()

    def put(self, uid: int, body: bytes) -> None:
        """A new mail; whoever idles is told."""
        self.mails[uid] = body
        for talk in self.live:
            if talk.idling:
                talk.say(f"* {len(self.mails)} EXISTS")

    def said(self, word: str) -> list[str]:
        return [line for line in list(self.commands) if word in line]


class Talk:
    """One connection."""

    def __init__(self, script: Script, connection: socket.socket) -> None:
        self.script, self._connection = script, connection
        self._file = connection.makefile("rb")
        self.logged_in = self.identified = self.idling = False

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def say(self, line: str | bytes) -> None:
        with contextlib.suppress(OSError):
            self._connection.sendall((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def run(self) -> None:
        self.say(f"* OK [CAPABILITY {self.script.before}] ready")
        with contextlib.suppress(OSError, ValueError):
            while line := self._file.readline():
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                self.script.commands.append(text)
                tag, _, rest = text.partition(" ")
                word, _, arguments = rest.partition(" ")
                if word.upper() == "UID":
                    second, _, arguments = arguments.partition(" ")
                    word = f"UID {second}"
                self._command(tag, word.upper(), arguments)

    def _command(self, tag: str, word: str, arguments: str) -> None:
        self.tag = tag
        answer = self.script.answers.get(word)
        if answer is not None and answer(self, arguments):
            return
        method = getattr(self, "do_" + word.lower().replace(" ", "_"), None)
        if method is None:
            self.say(f"{tag} BAD unknown command")
        else:
            method(tag, arguments)

    def ok(self, tag: str, text: str = "done") -> None:
        self.say(f"{tag} OK {text}")

    # the ordinary answers

    def do_capability(self, tag: str, arguments: str) -> None:
        self.say(f"* CAPABILITY {self.script.after if self.logged_in else self.script.before}")
        self.ok(tag)

    def do_login(self, tag: str, arguments: str) -> None:
        if PASSWORD not in arguments:
            self.say(f"{tag} NO [AUTHENTICATIONFAILED] wrong password {arguments.rsplit(maxsplit=1)[-1]}")
            return
        self.logged_in = True
        self.ok(tag)

    def do_authenticate(self, tag: str, arguments: str) -> None:
        self.say("+ ")
        given = base64.b64decode(self._file.readline()).decode()
        found = re.search(r"auth=Bearer ([^\x01]*)", given)
        if found and found[1] in self.script.tokens:
            self.logged_in = True
            self.ok(tag)
            return
        self.say("+ " + base64.b64encode(b'{"status":"400"}').decode())
        self._file.readline()
        self.say(f"{tag} NO AUTHENTICATE failed")

    def do_id(self, tag: str, arguments: str) -> None:
        self.identified = True
        self.say('* ID ("name" "script")')
        self.ok(tag)

    def do_noop(self, tag: str, arguments: str) -> None:
        self.say(f"* {len(self.script.mails)} EXISTS")
        self.ok(tag)

    def do_select(self, tag: str, arguments: str) -> None:
        if self.script.wants_id and not self.identified:
            self.say(f"{tag} NO SELECT Unsafe Login. Please contact kefu@188.com for help")
            return
        self.say(f"* {len(self.script.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.script.uidvalidity}] valid")
        self.say(f"* OK [UIDNEXT {max(self.script.mails, default=0) + 1}] next")
        self.ok(tag, "[READ-WRITE] selected")

    def do_uid_search(self, tag: str, arguments: str) -> None:
        uids = sorted(self.script.mails)
        if spans := re.match(r"(\d+):(\d+)\b", arguments):
            uids = uids[int(spans[1]) - 1 : int(spans[2])]
        if named := re.search(r"UID (\S+)", arguments):
            wanted = self._set(named[1])
            uids = [uid for uid in uids if uid in wanted]
        self.say("* SEARCH" + "".join(f" {uid}" for uid in uids))
        self.ok(tag)

    def _set(self, text: str) -> set[int]:
        found: set[int] = set()
        last = max(self.script.mails, default=0)
        for part in text.split(","):
            first, colon, end = part.partition(":")
            low = last if first == "*" else int(first)
            high = (last if end == "*" else int(end)) if colon else low
            low, high = min(low, high), max(low, high)
            found.update(uid for uid in self.script.mails if low <= uid <= high)
        return found

    def do_uid_fetch(self, tag: str, arguments: str) -> None:
        named, _, items = arguments.partition(" ")
        order = sorted(self.script.mails)
        for uid in sorted(self._set(named)):
            self.fetch(order.index(uid) + 1, uid, items, self.script.mails[uid])
        self.ok(tag)

    def fetch(self, number: int, uid: int, items: str, body: bytes) -> None:
        if "RFC822.SIZE" in items:
            size = self.script.sizes.get(uid, len(body))
            self.say(f'* {number} FETCH (UID {uid} RFC822.SIZE {size} INTERNALDATE "05-Jan-2026 09:00:00 +0800")')
            return
        head = body.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        name, data = "BODY[]", body
        if "HEADER.FIELDS" in items:
            name = "BODY[HEADER.FIELDS (MESSAGE-ID)]"
            data = b"\r\n".join(x for x in head.split(b"\r\n") if x.lower().startswith(b"message-id")) + b"\r\n\r\n"
        elif "HEADER" in items:
            name, data = "BODY[HEADER]", head
        self.say(f"* {number} FETCH (UID {uid} {name} {{{len(data)}}}".encode() + b"\r\n" + data + b")")

    def do_uid_store(self, tag: str, arguments: str) -> None:
        named, _, rest = arguments.partition(" ")
        order = sorted(self.script.mails)
        for uid in sorted(self._set(named)):
            kept = self.script.flags.setdefault(uid, set())
            kept.update(re.findall(r"\\\w+", rest))
            self.say(f"* {order.index(uid) + 1} FETCH (UID {uid} FLAGS ({' '.join(sorted(kept))}))")
        self.ok(tag)

    def do_idle(self, tag: str, arguments: str) -> None:
        self.idling = True
        self.say("+ idling")
        self._file.readline()
        self.idling = False
        self.ok(tag)

    def do_logout(self, tag: str, arguments: str) -> None:
        self.say("* BYE")
        self.ok(tag)
        self.hang_up()


@contextmanager
def running() -> Iterator[Script]:
    script = Script()
    try:
        yield script
    finally:
        script.close()
