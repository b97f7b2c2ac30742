"""Feeds of education: the pupils of schools and councils."""
