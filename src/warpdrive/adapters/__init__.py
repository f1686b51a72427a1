"""Adapters: one package per technology; packages never import each other."""
