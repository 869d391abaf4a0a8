"""Shared pure market mathematics: books, perpetual margin, pools."""
