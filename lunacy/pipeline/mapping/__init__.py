"""How the map is made: where each paper lies, the regions in which papers lie together, and what these are called."""
