"""Sounds for the telephone, made before any call needs one.

``plan`` says which are missing. ``build`` makes them, by several ``workers``: ``engines`` speak a
text, ``audio`` turns speech into what a caller is to hear, ``formats`` into files that Asterisk
plays, ``make`` does all of it for one sound. ``recordings`` takes over those of a person. ``store``
alone writes a folder of sounds; ``check`` says what is wrong with one, ``install`` copies it to
where Asterisk looks, ``catalogue`` is a page to listen to it. A call imports none of this: it plays
what a manifest names.
"""
