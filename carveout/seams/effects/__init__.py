"""What code did: rows, mails, jobs, events and requests: recorded, put back, compared."""
