"""Senders that keep on while the daemon is killed under them, and know exactly what it said yes to."""

from __future__ import annotations

import smtplib
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage

from tests.peers import web
from tests.peers.process import wait_until
from tests.peers.tocsin import TOKEN, Daemon, alert, group


def mail(
    subject: str, sender: str, to: str = "support@tocsin.example", text: str = "Please call me back."
) -> EmailMessage:
    """A short mail from a person; its Message-ID follows from its subject."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{subject.replace(' ', '.')}@customer.example>"
    message["Date"] = "Mon, 05 Jan 2026 09:00:00 +0800"
    message.set_content(text)
    return message


def send_mail(port: int, message: EmailMessage, timeout: float = 15.0) -> None:
    """Returns after the 250. Raises OSError, of which smtplib's own errors are some."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=timeout) as smtp:
        smtp.send_message(message)


@dataclass
class Flood:
    """What was sent and what was acknowledged. A webhook is sent until it is acknowledged, as an Alertmanager does;
    a mail once only: whether one without an answer arrived, nobody can know."""

    daemons: Sequence[Daemon]
    webhooks: int
    mails: int
    alerts_per_body: int = 2
    inbox_ids: list[str] = field(default_factory=list)
    acknowledged_mails: set[str] = field(default_factory=set)
    uncertain_mails: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._bodies = iter(range(self.webhooks))
        self._mails = iter(range(self.mails))
        self._threads = [threading.Thread(target=self._guard, args=(self._post_all, n), daemon=True) for n in range(4)]
        self._threads += [threading.Thread(target=self._guard, args=(self._mail_all, n), daemon=True) for n in range(2)]

    @property
    def alert_names(self) -> list[str]:
        return [f"Flood{n}x{k}" for n in range(self.webhooks) for k in range(self.alerts_per_body)]

    @property
    def acknowledged(self) -> int:
        return len(self.inbox_ids) + len(self.acknowledged_mails)

    def reached(self, count: int) -> bool:
        return self.acknowledged >= count

    def start(self) -> Flood:
        for thread in self._threads:
            thread.start()
        return self

    def finish(self, timeout: float = 60.0) -> None:
        """Waits until everything was sent."""
        try:
            wait_until(lambda: not any(t.is_alive() for t in self._threads), timeout, "the flood is over")
        finally:
            self._stop.set()
        assert not self.faults, self.faults[:3]

    def _guard(self, work: object, number: int) -> None:
        try:
            work(number)  # type: ignore[operator]
        except AssertionError as error:
            self.faults.append(str(error))

    def _post_all(self, number: int) -> None:
        turn = number
        while True:
            with self._lock:
                body = next(self._bodies, None)
            if body is None:
                return
            alerts = [alert(f"Flood{body}x{k}", severity="warning") for k in range(self.alerts_per_body)]
            while not self._stop.is_set():
                turn += 1
                try:
                    url = self.daemons[turn % len(self.daemons)].url
                    answer = web.post(f"{url}/webhooks/prometheus", group(*alerts), TOKEN)
                except OSError:
                    self._stop.wait(0.05)
                    continue
                if answer.status == 202:
                    with self._lock:
                        self.inbox_ids += answer.json()["inbox"]
                    break
                assert answer.status in (429, 503), f"{answer.status} {answer.text}"
                assert "retry-after" in answer.headers, answer.text
                self._stop.wait(0.05)

    def _mail_all(self, number: int) -> None:
        turn = number
        while True:
            with self._lock:
                n = next(self._mails, None)
            if n is None:
                return
            turn += 1
            port = self.daemons[turn % len(self.daemons)].smtp_port
            subject = f"Parcel {n}"
            message = mail(subject, f"user{n}@customer.example")
            while not self._stop.is_set():
                try:
                    smtp = smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=15)
                except OSError:  # nobody there: nothing was said yet, so it may be tried again
                    self._stop.wait(0.05)
                    continue
                with self._lock:
                    self.uncertain_mails.add(subject)
                try:
                    smtp.send_message(message)
                    with self._lock:
                        self.acknowledged_mails.add(subject)
                        self.uncertain_mails.discard(subject)
                except OSError:
                    pass
                finally:
                    smtp.close()
                break

    def verify(self, daemon: Daemon) -> None:
        """Every acknowledged thing is one inbox row and one incident; nothing that was sent once is there twice."""
        daemon.settled(60)
        inbox = daemon.inbox()
        by_id = Counter(row["id"] for row in inbox)
        lost = [ident for ident in self.inbox_ids if by_id[ident] != 1]
        assert not lost, f"acknowledged, but not in the inbox once: {lost[:5]} ({len(lost)} of {len(self.inbox_ids)})"
        bad = [row for row in inbox if row["state"] != "done" or row["outcome"] in ("failed", "unparsable")]
        assert not bad, bad[:3]
        incidents = daemon.incidents()
        titles = Counter(self._name(one["title"]) for one in incidents)
        wrong = {name: titles[name] for name in self.alert_names if titles[name] != 1}
        assert not wrong, f"alerts that are not one incident: {dict(list(wrong.items())[:5])} ({len(wrong)})"
        wrong = {name: titles[name] for name in self.acknowledged_mails if titles[name] != 1}
        assert not wrong, (
            f"acknowledged mails that are not one incident: {dict(list(wrong.items())[:5])} ({len(wrong)})"
        )
        assert all(titles[name] <= 1 for name in self.uncertain_mails)
        known = len(self.alert_names) + len(self.acknowledged_mails)
        assert known <= len(incidents) <= known + len(self.uncertain_mails)

    @staticmethod
    def _name(title: str) -> str:
        """The alert's or the mail's own name out of an incident's title."""
        words = title.split()
        flood = next((w for w in words if w.startswith("Flood")), "")
        return flood.strip(":,.") or title
