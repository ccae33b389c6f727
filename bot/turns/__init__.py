"""From a message to its answer: inbox, pipeline, prompt and commands. Knows channels only by their port."""
