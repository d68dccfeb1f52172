"""How people speak of it: the kinds of words, tables, requests, tags."""
