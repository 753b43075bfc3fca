"""The service: sockets, jobs, store and the door to the workers. Opens no pixel."""
