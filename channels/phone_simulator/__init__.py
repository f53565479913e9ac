"""A phone and a provider to try the SMS channel with, without an account."""
