"""One file per source layout: its files in, canonical tables out; `web` asks sites, `collected` reads what they said."""
