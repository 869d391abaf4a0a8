"""The vocabulary of the keeper: frozen value types, events, commands and errors. Imports nothing."""
