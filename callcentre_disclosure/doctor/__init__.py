"""What really goes wrong in the field: looked for on this machine, named, and what to do about it.

Each module knows one part of an installation: ``look`` gathers what there is to see of it and
changes nothing, ``judge`` says what is wrong with what was seen, and does no I/O. ``examination``
has all of them looked at. What cannot be seen is said (``Unseen``), never guessed.

Nothing here tells a secret or a caller's number.
"""
