"""The doors: web, console, command line, webhooks."""
