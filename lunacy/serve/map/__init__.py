"""The map: a page, its tiles, and what it asks of the papers on it."""
