"""Drawing the map: arrays -> pictures, by NumPy and zlib alone."""
