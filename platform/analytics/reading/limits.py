"""How much work one file of tables may cause."""

# A file is held whole by the process that reads it, and is kept: so far a million rows of a dozen columns go. As
# Parquet ten times as many do.
MAX_FILE_BYTES = 100 * 1024 * 1024
# PostgreSQL's own limit.
MAX_COLUMNS = 1_600
# A Parquet file of some kilobytes may claim billions of them.
MAX_ROWS = 10_000_000
MAX_TABLES = 100
# Of rows as they are stored: a small file of a thing that repeats may unpack to any size.
MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024
# Characters. A quotation mark that is never closed swallows the rest of the file.
MAX_CELL = 1_000_000
# Of address space: a CSV file of 100 MB takes 1 GiB of it, and so does a workbook with a million rows of ten columns.
MAX_MEMORY_BYTES = 2 * 1024 * 1024 * 1024
MAX_CPU_S = 300
# Without a sign of the reader.
READING_TIMEOUT_S = 300.0
