"""Files to tables: every sheet of a workbook, every CSV or Parquet file becomes one, with names and types for SQL.

It touches neither database nor network, and knows no tenant. Files come from outside: servers and workers read them by
`apart.reading`, in a process of its own.
"""
