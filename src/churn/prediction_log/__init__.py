"""What was predicted for whom and why, kept so that any answer can be made again: docs/predictions.md."""
