"""One run of the suite: behave is watched, each scenario is judged, the work is shared among processes."""
