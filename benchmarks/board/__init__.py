"""The leaderboard: all models on the same data, users and protocols.

plan -> measure, each (row, seed) in a process of its own -> assemble, one section of results -> document, Markdown
"""
