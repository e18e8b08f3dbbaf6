"""Canonical tables to what models and ranking take: datasets, franchises, splits."""
