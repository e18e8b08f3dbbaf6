"""Protocols, metrics and intervals; knows no concrete model."""
