"""Providers of SMS and messaging: one adapter each, behind one interface."""
