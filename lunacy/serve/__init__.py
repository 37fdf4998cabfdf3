"""In the browser, over HTTP, and for agents: an index, asked by many at once."""
