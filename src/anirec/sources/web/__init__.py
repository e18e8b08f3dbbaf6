"""Asking sites over the network: politely, once, and so that a kill loses nothing."""
