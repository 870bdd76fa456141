"""Whether an answer is fit to be given: pure checks, and what is done where one fails."""
