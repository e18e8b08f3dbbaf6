"""HTTP in, one use case, JSON out."""
