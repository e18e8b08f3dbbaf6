"""Search in one's own words: texts -> chunks -> vectors and words -> votes -> anime."""
