"""The conversation: what is said, in which order, and what is kept."""
