"""`tocsin simulate`: the real engine on a virtual clock and an in-memory store (INTERFACE 5)."""
