"""How requests are split between two versions."""
