"""A turn: somebody turns to a character, which answers in words and proposes what it might do."""
