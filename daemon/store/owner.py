"""The one task that opens write transactions.

Everybody else submits and awaits a shielded future: a transaction that is cancelled while it begins would keep
SQLite's lock for ever, and doors are cancelled all the time.

Order of work: urgent transactions (the timer), then everything that waits to be accepted, in one commit, then one
ordinary transaction (intake, people's actions). After a commit of arrivals an ordinary one has its turn even if more
have arrived, so that a flood cannot stop the intake.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from daemon.store import inbox
from daemon.store.errors import Again, StoreError
from daemon.store.session import Session
from daemon.store.transaction import Tx

log = logging.getLogger("tocsin.store")

T = TypeVar("T")
MAX_ROWS = 500
MAX_BYTES = 32 * 1024 * 1024
ATTEMPTS = 5


class Source(Protocol):
    """Where the owner's connection comes from; a database that went away is tried again with the next job."""

    folder: Path | None

    async def session(self) -> Session: ...

    async def give_up(self, session: Session) -> None: ...


@dataclass(slots=True)
class _Accept:
    arrival: inbox.Arrival
    done: asyncio.Future[None]


@dataclass(slots=True)
class _Transact:
    decide: Callable[[Tx], Awaitable[Any]]
    done: asyncio.Future[Any]


@dataclass(slots=True)
class Wakers:
    inbox: asyncio.Event = field(default_factory=asyncio.Event)
    timer: asyncio.Event = field(default_factory=asyncio.Event)
    outbox: asyncio.Event = field(default_factory=asyncio.Event)


class Owner:
    def __init__(self, source: Source, new_id: Callable[[], int], node: int, wakers: Wakers) -> None:
        self._source = source
        self._new_id = new_id
        self._node = node
        self._wakers = wakers
        self._urgent: deque[_Transact] = deque()
        self._accepts: deque[_Accept] = deque()
        self._ordinary: deque[_Transact] = deque()
        self._work = asyncio.Event()
        self._stopping = False
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.died.add_done_callback(lambda f: f.cancelled() or f.exception())  # nobody needs to ask

    # what callers see

    async def accept(self, arrival: inbox.Arrival) -> None:
        job = _Accept(arrival, self._promise())
        self._accepts.append(job)
        self._work.set()
        await job.done  # a caller that is cancelled cancels only its own promise: the commit goes on

    async def transact(self, decide: Callable[[Tx], Awaitable[T]], urgent: bool) -> T:
        job = _Transact(decide, self._promise())
        (self._urgent if urgent else self._ordinary).append(job)
        self._work.set()
        result: T = await asyncio.shield(job.done)
        return result

    def stop(self) -> None:
        """What was submitted before is still done."""
        self._stopping = True
        self._work.set()

    def _promise(self) -> asyncio.Future[Any]:
        if self._stopping or self.died.done():
            raise StoreError("the store is closed")
        return asyncio.get_running_loop().create_future()

    # the task

    async def run(self) -> None:
        """Until stop(). A defect here ends the daemon (`died`); an error of a job is its submitter's."""
        try:
            while await self._step():
                pass
        except BaseException as error:
            if not self.died.done():
                self.died.set_exception(error if isinstance(error, Exception) else StoreError("the store was stopped"))
            raise
        finally:
            self._stopping = True
            for done in [j.done for j in (*self._urgent, *self._ordinary)] + [j.done for j in self._accepts]:
                _fail(done, StoreError("the store has stopped"))

    async def _step(self) -> bool:
        if self._urgent:
            await self._transact(self._urgent.popleft())
        elif self._accepts:
            await self._accept(self._batch())
            if self._ordinary and not self._urgent:
                await self._transact(self._ordinary.popleft())
        elif self._ordinary:
            await self._transact(self._ordinary.popleft())
        elif self._stopping:
            return False
        else:
            self._work.clear()
            await self._work.wait()
        return True

    def _batch(self) -> list[_Accept]:
        jobs, rows, size = [self._accepts.popleft()], 0, 0
        rows, size = len(jobs[0].arrival.rows), jobs[0].arrival.size
        while self._accepts:
            following = self._accepts[0].arrival
            rows, size = rows + len(following.rows), size + following.size
            if rows > MAX_ROWS or size > MAX_BYTES:
                break
            jobs.append(self._accepts.popleft())
        return jobs

    async def _accept(self, jobs: list[_Accept]) -> None:
        """All in one commit; if one of them is refused, one by one, so that only that one fails."""
        try:
            await self._insert([row for job in jobs for row in job.arrival.rows])
        except StoreError as error:
            for job in jobs:
                self._refuse(job, error)
        except Exception as error:  # noqa: BLE001 — the poison row is set aside: its submitter is told
            if len(jobs) == 1:
                log.error("accept refused inbox=%s reason=%r", jobs[0].arrival.rows[0][0], str(error))
                self._refuse(jobs[0], error)
                return
            for job in jobs:
                await self._accept([job])
        else:
            for job in jobs:
                if not job.done.done():
                    job.done.set_result(None)
            self._wakers.inbox.set()

    async def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        session = await self._source.session()
        try:
            await inbox.insert(session, rows)
        except Again as error:
            raise StoreError(str(error)) from error
        except StoreError:
            await self._source.give_up(session)
            raise

    def _refuse(self, job: _Accept, error: Exception) -> None:
        inbox.discard(job.arrival.rows, self._source.folder)
        _fail(job.done, error)

    async def _transact(self, job: _Transact) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            tx: Tx | None = None
            try:
                session = await self._source.session()
                tx = Tx(session, self._new_id, self._node)
                result = await self._committed(session, tx, job)
            except Again as error:
                if attempt == ATTEMPTS:
                    _fail(job.done, StoreError(f"PostgreSQL: {error} ({ATTEMPTS} times)"))
                    return
                await asyncio.sleep(random.uniform(0.005, 0.02) * attempt)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                _fail(job.done, StoreError("the transaction was cancelled"))
                if task is not None and task.cancelling():
                    raise
                log.warning("transaction cancelled itself: %r", error)
                return
            except Exception as error:  # noqa: BLE001 — it is the submitter's, who awaits it
                _fail(job.done, error)
                return
            else:
                if not job.done.done():
                    job.done.set_result(result)
                for name in tx.wakes:
                    getattr(self._wakers, name).set()
                return

    async def _committed(self, session: Session, tx: Tx, job: _Transact) -> Any:
        try:
            await session.begin()
            result = await job.decide(tx)
            await session.commit()
        except BaseException as error:
            tx.undo()
            await self._undone(session, error)
            raise
        return result

    async def _undone(self, session: Session, error: BaseException) -> None:
        if isinstance(error, StoreError) and session.dialect == "postgres":
            await self._source.give_up(session)  # the server rolls back when the connection is gone
            return
        try:
            await session.rollback()
        except Exception as second:  # noqa: BLE001 — the first error is the one that counts
            log.warning("rollback failed: %s", second)
            await self._source.give_up(session)


def _fail(promise: asyncio.Future[Any], error: Exception) -> None:
    if not promise.done():
        promise.set_exception(error)
