"""The profile: where the time of a run goes, by processes, by layers of Python, and by what is waited for."""
