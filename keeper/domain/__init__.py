"""The vocabulary of the keeper: frozen values, events, commands, errors. Imports nothing."""
