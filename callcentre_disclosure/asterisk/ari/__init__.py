"""A client of the Asterisk REST Interface that stays connected: a package of its own, which knows
nothing of announcements.

``protocol`` is pure, ``mailbox`` gives each call its events in order, ``asterisk`` is one Asterisk
to whoever uses it, ``dialling`` connects to it and ``listening`` lets it connect to us.
"""
