"""Embedding on a Ray cluster: what is handed out (`ray`), done on each machine (`worker`) and left there (`shards`)."""
