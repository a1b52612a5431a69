"""What the verbs show of a program: drawings, resolved documents, costs."""
