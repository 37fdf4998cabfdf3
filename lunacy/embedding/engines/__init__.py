"""Engines run a transformer: token ids in, vectors out. `embedding/choose.py` picks one of them."""
