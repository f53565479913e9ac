"""What the engine may do: thin actions that call bot/ and return events and replies."""
