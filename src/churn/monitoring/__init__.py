"""What became of a model after it went live: how its inputs and scores compare with those of its training."""
