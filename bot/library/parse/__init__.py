"""Files of many formats as one stream of blocks; the reading is done in a process of its own."""
