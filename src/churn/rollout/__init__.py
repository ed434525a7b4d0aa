"""A new version takes over step by step, judged by what it answered."""
