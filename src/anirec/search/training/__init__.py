"""Fine-tuning of text encoders: queries made up for passages, passages that do not answer them, and what is learned."""
