"""The chat as a part of other sites' pages: what their browsers load, and what an owner sets."""
