"""What is known of functions by name alone."""

from __future__ import annotations

from typing import Final

# Aggregates that sqlglot has no class for.
_WORDS_OF_AGGREGATES = """
any_value anylast approx_count_distinct approx_distinct argmax argmin array_agg
array_concat_agg avg avgif bit_and bit_or bit_xor bool_and bool_or collect_list collect_set
corr count countif covar_pop covar_samp every groupArray group_concat grouparray groupuniqarray
json_agg json_agg_strict json_arrayagg json_object_agg json_object_agg_strict
json_object_agg_unique json_objectagg jsonb_agg jsonb_agg_strict jsonb_object_agg
jsonb_object_agg_strict jsonb_object_agg_unique listagg logical_and logical_or max min mode
percentile_cont percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy regr_count
regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp
string_agg sum sumif uniq uniqcombined uniqexact var_pop var_samp variance wm_concat xmlagg
"""
AGGREGATES: Final = frozenset(_WORDS_OF_AGGREGATES.split())

# Written like columns, these are values of the session.
_WORDS_OF_VALUE_FUNCTIONS = """
current_catalog current_date current_role current_schema current_time current_timestamp
current_user level localtime localtimestamp rowid rownum session_user sysdate system_user
systimestamp user
"""
VALUE_FUNCTIONS: Final = frozenset(_WORDS_OF_VALUE_FUNCTIONS.split())
