"""Who asks, behind proxies that the config trusts."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import web


def client_of(request: web.Request, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The nearest address that no trusted proxy has: X-Forwarded-For read from its end."""
    address = request.remote or ""
    hops = [h.strip() for h in request.headers.get("X-Forwarded-For", "").split(",") if h.strip()][-20:]
    while hops and _trusted(address, trusted):
        address = hops.pop()
    return address[:64]


def _trusted(address: str, trusted: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)
