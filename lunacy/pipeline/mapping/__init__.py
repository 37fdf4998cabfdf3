"""How the map is made: from neighbours to places (`layout`), turned as the map before (`orientation`), then kept up
(`make_map`); the regions in which papers lie together (`regions`), and what these are called (`naming`).
"""
