"""One event, one actor, one pure operation, and the data around it."""
