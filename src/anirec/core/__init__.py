"""The words of anirec: ids, profiles, catalogues, rankings, errors. Imports numpy and the standard library only."""
