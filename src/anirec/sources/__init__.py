"""One file per source layout: files in, canonical tables out. `web` asks sites, `collected` reads their answers."""
