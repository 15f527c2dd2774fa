"""The commands. Thin: each reads its arguments, calls one thing, and prints what came of it."""
