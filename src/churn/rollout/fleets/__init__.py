"""What starts and stops the tasks of a version."""
