"""From a question in plain language to SQL that passed the gate, and its result."""
