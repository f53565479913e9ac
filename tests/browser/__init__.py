"""The product as a parent and a guide meet it, in a real browser."""
