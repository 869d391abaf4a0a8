"""Order venues, one package each; no venue imports another, bootstrap alone imports them."""
