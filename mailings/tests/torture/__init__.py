"""The torture of sending: real workers, databases and queues, a mail server that counts, faults, and what must hold."""
