"""Where people speak: thin front ends over the one turn pipeline."""
