"""Files of many formats as a stream of blocks, read in a separate process."""
