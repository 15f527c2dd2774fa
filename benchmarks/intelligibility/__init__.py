"""``make intelligibility``: does the country survive the telephone?

Every sound goes through a telephone line, Whisper writes down what it hears, and what it wrote is
compared with what was said. Nobody listens: a machine's word errors are an upper bound for those
of a person who knows what the call is about.
"""
