"""Salus 康城: a learning health system for a city."""
