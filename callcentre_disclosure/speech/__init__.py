"""Sounds for the telephone, made before any call needs one.

``engines`` speak a text, ``audio`` turns speech into what Asterisk plays (8 kHz, levelled),
``build`` makes what a configuration can ever need and checks what is there. A call imports none
of it: it plays what a manifest names.
"""
