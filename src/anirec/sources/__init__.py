"""One file per source layout: its files in, canonical tables out, rejects counted."""
