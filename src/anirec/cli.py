"""Command line (being written)."""
