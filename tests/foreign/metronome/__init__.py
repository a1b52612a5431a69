"""A kind of actor that nimdsl does not know: it ticks, and can be told to tick faster."""
