"""What may stand in a question: all else is refused, also what nobody here has heard of."""

from sqlglot import exp
from sqlglot.expressions import DType

from analytics.gate.dialect import OperatorOf

# How many rows generate_series may make, and how long repeat and its like may make a text.
MOST_GENERATED_ROWS = 100_000
LONGEST_FILL = 1_000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BINARY = frozenset({"this", "expression"})
_ONE = frozenset({"this"})
_LIST = frozenset({"expressions"})
_NONE: frozenset[str] = frozenset()
_MODIFIERS = frozenset({"with_", "order", "limit", "offset"})

# Each kind of node, and which of its parts may be there. A part that is not named here refuses the statement.
NODES: dict[type[exp.Expr], frozenset[str]] = {
    # queries
    exp.Select: _MODIFIERS
    | {"expressions", "distinct", "from_", "joins", "laterals", "where", "group", "having", "windows"},
    exp.Union: _MODIFIERS | _BINARY | {"distinct"},
    exp.Except: _MODIFIERS | _BINARY | {"distinct"},
    exp.Intersect: _MODIFIERS | _BINARY | {"distinct"},
    exp.Subquery: _MODIFIERS | {"this", "alias", "joins"},
    exp.Values: frozenset({"expressions", "alias", "order", "limit", "offset"}),
    exp.With: frozenset({"expressions", "recursive"}),
    exp.CTE: frozenset({"this", "alias", "materialized"}),
    exp.From: _ONE,
    exp.Join: frozenset({"this", "on", "side", "kind", "using", "method"}),
    exp.Lateral: frozenset({"this", "alias", "ordinality", "view", "outer"}),
    exp.Table: frozenset({"this", "db", "alias", "joins", "ordinality"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.Unnest: frozenset({"expressions", "alias", "offset"}),
    exp.Where: _ONE,
    exp.Group: frozenset({"expressions", "grouping_sets", "cube", "rollup"}),
    exp.GroupingSets: _LIST,
    exp.Cube: _LIST,
    exp.Rollup: _LIST,
    exp.Having: _ONE,
    exp.Distinct: frozenset({"on", "expressions"}),
    exp.Order: frozenset({"this", "expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Fetch: frozenset({"direction", "count", "limit_options"}),
    exp.LimitOptions: frozenset({"rows", "with_ties"}),
    # names and values
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Column: frozenset({"this", "table", "db"}),
    exp.Star: _NONE,
    exp.Alias: frozenset({"this", "alias"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Boolean: _ONE,
    exp.Null: _NONE,
    exp.Interval: frozenset({"this", "unit"}),
    exp.Var: _ONE,
    exp.Paren: _ONE,
    exp.Tuple: _LIST,
    exp.Array: frozenset({"expressions", "bracket_notation"}),
    exp.Bracket: frozenset({"this", "expressions", "offset", "safe"}),
    exp.Slice: _BINARY,
    # conditions
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Not: _ONE,
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.Between: frozenset({"this", "low", "high", "symmetric"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Is: frozenset({"this", "expression", "negate"}),
    exp.NullSafeEQ: _BINARY,
    exp.NullSafeNEQ: _BINARY,
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.ILike: frozenset({"this", "expression", "negate"}),
    exp.SimilarTo: _BINARY,
    exp.Escape: _BINARY,
    exp.RegexpLike: _BINARY,
    exp.RegexpILike: _BINARY,
    exp.Overlaps: _BINARY,
    exp.Exists: _ONE,
    exp.Any: _ONE,
    exp.All: _ONE,
    # computing
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Div: _BINARY | {"typed", "safe"},
    exp.Mod: _BINARY,
    exp.Pow: _BINARY,
    exp.Neg: _ONE,
    exp.DPipe: _BINARY | {"safe"},
    exp.BitwiseAnd: _BINARY,
    exp.BitwiseOr: _BINARY,
    exp.BitwiseXor: _BINARY,
    exp.BitwiseNot: _ONE,
    exp.BitwiseLeftShift: _BINARY,
    exp.BitwiseRightShift: _BINARY,
    exp.Sqrt: _ONE,
    exp.Cbrt: _ONE,
    exp.ArrayContainsAll: _BINARY,
    exp.ArrayContainedBy: _BINARY,
    exp.ArrayOverlaps: _BINARY,
    exp.StartsWith: _BINARY,
    exp.JSONBContainsAllTopKeys: _BINARY,
    exp.JSONBContainsAnyTopKeys: _BINARY,
    OperatorOf: _BINARY | {"symbol"},
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}),
    exp.DataTypeParam: _ONE,
    exp.AtTimeZone: frozenset({"this", "zone"}),
    exp.Collate: _BINARY,
    exp.Extract: _BINARY,
    exp.Substring: frozenset({"this", "start", "length"}),
    exp.StrPosition: frozenset({"this", "substr"}),
    exp.Overlay: frozenset({"this", "expression", "from_", "for_"}),
    exp.Trim: frozenset({"this", "expression", "position"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Kwarg: _BINARY,
    exp.CurrentDate: _NONE,
    exp.CurrentTime: _NONE,
    exp.CurrentTimestamp: _NONE,
    exp.Localtime: _NONE,
    exp.Localtimestamp: _NONE,
    # aggregates and windows
    exp.Filter: _BINARY,
    exp.WithinGroup: _BINARY,
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "alias", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side", "exclude"}),
}

TYPES = frozenset(
    {
        DType.BIGINT, DType.BOOLEAN, DType.CHAR, DType.BPCHAR, DType.DATE, DType.DECIMAL, DType.DOUBLE, DType.FLOAT,
        DType.INT, DType.INTERVAL, DType.JSON, DType.JSONB, DType.MONEY, DType.SMALLINT, DType.TEXT, DType.TIME,
        DType.TIMETZ, DType.TIMESTAMP, DType.TIMESTAMPTZ, DType.UUID, DType.VARCHAR,
        DType.ARRAY, DType.DATERANGE, DType.INT4RANGE, DType.INT8RANGE, DType.NUMRANGE, DType.TSRANGE, DType.TSTZRANGE,
    }
)  # fmt: skip

# Pure: they compute from their arguments and the clock, reach no table, file, setting or session, and hold no lock.
_AGGREGATES = """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every json_agg
    json_object_agg jsonb_agg jsonb_object_agg max min mode percentile_cont percentile_disc range_agg regr_avgx
    regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp
    string_agg sum var_pop var_samp variance grouping
"""
_WINDOWS = """
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
"""
_NUMBERS = """
    abs acos acosd asin asind atan atan2 atan2d atand cbrt ceil ceiling cos cosd cosh cot cotd degrees div erf erfc exp
    floor gcd greatest lcm least ln log log10 min_scale mod pi power pow radians random round scale
    sign sin sind sinh sqrt tan tand tanh trim_scale trunc width_bucket to_number num_nonnulls num_nulls
    gamma lgamma random_normal
"""
_TEXTS = """
    ascii bit_length btrim casefold char_length character_length chr concat concat_ws format initcap left length lower
    lpad ltrim md5 normalize octet_length overlay position regexp_count regexp_instr regexp_like regexp_match
    regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse right
    rpad rtrim split_part starts_with string_to_array string_to_table strpos substr substring to_hex to_oct
    to_bin translate trim upper quote_literal
"""
_TIMES = """
    age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days
    justify_hours justify_interval make_date make_interval make_time make_timestamp make_timestamptz now
    statement_timestamp to_char to_date to_timestamp transaction_timestamp timezone current_timestamp current_time
    localtime localtimestamp overlaps
"""
_CHOICES = "coalesce nullif row"
_ARRAYS = """
    array_append array_cat array_dims array_length array_lower array_ndims array_position array_positions array_prepend
    array_remove array_replace array_reverse array_sort array_to_string array_upper cardinality trim_array
    generate_subscripts unnest generate_series
"""
_JSON = """
    array_to_json json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
    json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_strip_nulls
    json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
    jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any jsonb_extract_path
    jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_match
    jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls
    jsonb_typeof row_to_json to_json to_jsonb
"""
_RANGES = """
    daterange int4range int8range isempty lower_inc lower_inf numrange range_merge tsrange tstzrange upper_inc upper_inf
"""
FUNCTIONS = _words(" ".join((_AGGREGATES, _WINDOWS, _NUMBERS, _TEXTS, _TIMES, _CHOICES, _ARRAYS, _JSON, _RANGES)))

# They tell about the session. The parser takes some of them for columns.
CALLED_WITHOUT_PARENTHESES = frozenset(
    {"user", "current_user", "session_user", "system_user", "current_role", "current_catalog", "current_schema"}
)

# What a function in FROM calls its columns, where that is not by its alias.
COLUMNS_OF_FUNCTIONS = {
    name: frozenset({"key", "value"}) for name in ("json_each", "json_each_text", "jsonb_each", "jsonb_each_text")
} | {
    name: frozenset({"value"})
    for name in (
        "json_array_elements", "json_array_elements_text", "jsonb_array_elements", "jsonb_array_elements_text",
    )
}  # fmt: skip

OPERATORS = _words("+ - * / % ^ < > = <= >= <> != || ~ ~* !~ !~* & | # << >> -> ->> #> #>> @> <@ && ? ?& ?| ^@")

# Of every word without quotes that the gate writes: key words and types. Functions come on top.
WORDS = _words(
    """
    select distinct on from where group by grouping sets cube rollup having order asc desc nulls first last limit offset
    fetch next row rows only with ties union all except intersect values recursive as materialized not and or is null
    true false between symmetric in like ilike similar to escape exists any some case when then else end cast at time
    zone collate interval year month day hour minute second join inner left right full outer cross natural lateral using
    unnest ordinality window over partition range groups unbounded preceding following current exclude no others ties
    filter within array extract for both leading trailing placing overlay position substring trim ltrim rtrim btrim
    overlaps sqrt cbrt current_date current_time current_timestamp localtime localtimestamp power
    bigint boolean char bpchar character varying date decimal numeric double precision real float int integer json jsonb
    money smallint text timetz timestamp timestamptz uuid varchar daterange int4range int8range numrange tsrange
    tstzrange time
    """
)

UNITS = _words(
    """
    century day decade dow doy epoch hour isodow isoyear julian microsecond microseconds millennium millisecond
    milliseconds minute month quarter second timezone timezone_hour timezone_minute week year days hours minutes months
    seconds weeks years
    """
)
SYSTEM_COLUMNS = frozenset({"oid", "tableoid", "xmin", "xmax", "cmin", "cmax", "ctid"})
# `make_interval(days => 10)`
NAMES_ARGUMENT = frozenset({"=>"})
# Words that stand in the tree as they are, and not as names.
BARE_WORDS = UNITS | frozenset({"to", "ties", "group", "current", "row", "no", "others", "mins", "secs"})
WRITTEN_WORDS = WORDS | FUNCTIONS | BARE_WORDS
