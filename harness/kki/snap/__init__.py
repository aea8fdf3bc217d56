"""The protocol: signing, tokens, card data, codes and times, as pure functions that do not know who calls them."""
