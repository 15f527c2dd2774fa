"""What Asterisk connected, held against what callers were told.

``cel``, ``cdr`` and ``queue_log`` read Asterisk's own records, each into the same ``calls.Call``;
``judging`` compares a call with its records of the evidence, ``comparison`` all of them.
"""
