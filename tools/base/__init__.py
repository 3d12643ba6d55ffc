"""How models/base is made from public parts. See ../README.md."""
