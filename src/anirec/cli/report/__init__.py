"""A report as HTML, to be looked at."""
