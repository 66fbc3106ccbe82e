"""Backups of a home, and what becomes of a home that is put back from one."""
