"""NATS, and only here: the bus, the streams, the server."""
