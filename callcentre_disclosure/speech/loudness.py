"""How loud sounds are: numbers that a build needs before it needs to measure."""

LEVEL = -22.0
"""dBov: the active speech level (ITU-T P.56) where no other is asked for, that of RFC 7874."""
TOLERANCE = 1.0
"""dB: how far from its level a sound may be."""
PEAK = -3.0
"""dBFS: no sample is louder."""
