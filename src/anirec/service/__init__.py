"""The use cases: recommend, similar, info, batch, train, evaluate. Parts come in from `anirec.wiring`."""
