"""Where an answer came from, and whether it would come out the same today."""
