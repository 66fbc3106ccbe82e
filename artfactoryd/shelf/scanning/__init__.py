"""Whether something known to do harm is in a file: clamd is asked, and nothing is opened here."""
