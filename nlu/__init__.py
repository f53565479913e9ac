"""What did the parent mean: danger, language, intent, needs and details."""
