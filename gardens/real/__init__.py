"""Gardens on real time: asyncio, and only here."""
