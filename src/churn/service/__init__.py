"""The HTTP service: one subscriber in, a probability with true reasons out."""
