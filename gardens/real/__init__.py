"""The real garden: NATS, processes, threads and wall clocks; asyncio only here."""
