"""What the bytes of a mail say: it knows nothing of changes, people or databases.

``reading.read`` turns a message into an ``incoming.Incoming`` and never raises, whatever a stranger
sends; time and memory grow with the size of the message and no faster.
"""
