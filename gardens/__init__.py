"""Where programs run: a virtual garden (:mod:`gardens.virtual`) and real ones (:mod:`gardens.real`)."""
