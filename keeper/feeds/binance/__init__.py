"""Binance's public books and trades (spot and USD-margined futures): wire, book, live source."""
