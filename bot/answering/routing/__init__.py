"""What `auto` compares a message with, how it weighs what it finds, and how sure it is."""
