"""The reader: the provider that answers when no model endpoint is configured.

It only ever says authored words: quotations from the passages that a search found, with their
citation marks, or lines that the persona's author wrote. `read` is its one entry.
"""
