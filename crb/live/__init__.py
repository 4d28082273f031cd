"""What happens in a meeting reaches every open page of it by itself.

Database triggers announce each change at its commit (``NOTIFY``). One listener per web process
(``hub``) wakes the streams of that process; the meeting is read once per change and process
(``rooms``), drawn once for all who see the same (``parts``), and each browser is sent what is new
to it (``stream``).
"""
