"""What an answer may draw on besides the weights: joins inference's embeddings with db's rows."""
