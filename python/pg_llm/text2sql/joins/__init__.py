"""The join graph: declared keys, joins that others have made, and guesses."""
