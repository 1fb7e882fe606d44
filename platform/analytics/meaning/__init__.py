"""What a dataset's tables mean, and which of them a question is about. Works without a model; better with one."""
