"""What comes of the rows of a query: JSON that loses nothing, charts, sentences, files."""

from analytics.results.agreement import numbers_agree
from analytics.results.cells import columns_from, to_cell, to_rows
from analytics.results.charts import chart_for, chart_of
from analytics.results.summaries import summarise

__all__ = ["chart_for", "chart_of", "columns_from", "numbers_agree", "summarise", "to_cell", "to_rows"]
