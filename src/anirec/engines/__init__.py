"""Engines that take work out of this process, behind the seam `core.engine.Engine`."""
