"""Feeds of the police: notifications about people in need of protection."""
