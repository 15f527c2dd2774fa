"""What others send, write and are called, at its worst."""
