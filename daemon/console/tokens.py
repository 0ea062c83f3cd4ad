"""API tokens in the store. A token itself is shown once, when it is made; the store has its SHA-256."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.clock import Clock
from daemon.console.auth import Identity, Scope, digest, new_token

if TYPE_CHECKING:
    from daemon.store import Store, Token, Tx


class NameTaken(Exception):
    pass


async def make_token(store: Store, clock: Clock, name: str, scope: Scope, person: str | None) -> str:
    """The token, shown never again. Raises NameTaken."""
    token, now = new_token(), clock.now()

    async def insert(tx: Tx) -> None:
        if await tx.fetch("SELECT 1 FROM tokens WHERE name = $1 AND revoked_at IS NULL", name):
            raise NameTaken(f"there is a token {name!r} already")
        await tx.run(
            "INSERT INTO tokens (name, hash, scope, person, created_at) VALUES ($1, $2, $3, $4, $5)",
            [(name, digest(token), scope.word, person, now)],
        )

    await store.transact(insert)
    return token


async def find_token(store: Store, token: str) -> Identity | None:
    """Whose token it is. The look-up is by the hash, so its time says nothing about the token."""
    wanted = digest(token)
    found = await store.token_by_hash(wanted)
    if found is None or found.revoked_at is not None:
        return None
    return Identity(found.name, Scope.named(found.scope), found.person)


async def list_tokens(store: Store) -> list[Token]:
    """Those that let in, by name."""
    return sorted((t for t in await store.tokens() if t.revoked_at is None), key=lambda t: t.name)
