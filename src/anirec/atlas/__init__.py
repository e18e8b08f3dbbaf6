"""The map: what is alike -> a graph of neighbours -> communities and a layout in the plane -> labels.

Making a map needs the extra `map`; what is made is plain arrays, and serving them needs nothing of it.
"""
