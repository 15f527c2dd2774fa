"""The ARI event handler: ``Stasis(callcentre-disclosure)``.

A call's way through the rooms: ``handler`` hears that a channel has come in and gives it a
``call``, which lets ``teller`` carry out what a session asks for, and ``ringing`` find somebody who
answers. What events have told so far is ``seen``, and every question to Asterisk goes over the
call's ``line``.
"""
