"""Bundles: what is trained, on disk, ready to serve."""
