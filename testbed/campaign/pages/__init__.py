"""Pages that tell of many runs: written once, as values, and shown as Markdown and as HTML."""
