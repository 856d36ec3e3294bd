"""From the chunks of a question to a frame, and from a frame to SQL."""
