"""What is known of functions by name alone."""

from __future__ import annotations

from typing import Any, Final

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
default current_catalog current_date current_role current_schema current_time current_timestamp
current_user level localtime localtimestamp rowid rownum session_user sysdate system_user
systimestamp user
"""
VALUE_FUNCTIONS: Final = frozenset(_WORDS_OF_VALUE_FUNCTIONS.split())


def is_value(identifier: Any) -> bool:
    """Tell whether a word written like a column is a value of the session."""
    return not identifier.args.get("quoted") and identifier.name.lower() in VALUE_FUNCTIONS


# Result columns of PostgreSQL's functions that have OUT parameters (pg_proc of
# PostgreSQL 15, and 17 where the function is newer), and of those that SQL itself defines.
_COLUMNS_OF_FUNCTIONS = """
_pg_expandarray: x n
aclexplode: grantor grantee privilege_type is_grantable
json_array_elements: value
json_array_elements_text: value
json_each: key value
json_each_text: key value
jsonb_array_elements: value
jsonb_array_elements_text: value
jsonb_each: key value
jsonb_each_text: key value
pg_available_extension_versions: name version superuser trusted relocatable schema requires
    comment
pg_available_extensions: name default_version comment
pg_available_wal_summaries: tli start_lsn end_lsn
pg_backup_stop: lsn labelfile spcmapfile
pg_config: name setting
pg_control_checkpoint: checkpoint_lsn redo_lsn redo_wal_file timeline_id prev_timeline_id
    full_page_writes next_xid next_oid next_multixact_id next_multi_offset oldest_xid
    oldest_xid_dbid oldest_active_xid oldest_multi_xid oldest_multi_dbid oldest_commit_ts_xid
    newest_commit_ts_xid checkpoint_time
pg_control_init: max_data_alignment database_block_size blocks_per_segment wal_block_size
    bytes_per_wal_segment max_identifier_length max_index_columns max_toast_chunk_size
    large_object_chunk_size float8_pass_by_value data_page_checksum_version
pg_control_recovery: min_recovery_end_lsn min_recovery_end_timeline backup_start_lsn
    backup_end_lsn end_of_backup_record_required
pg_control_system: pg_control_version catalog_version_no system_identifier
    pg_control_last_modified
pg_copy_logical_replication_slot: slot_name lsn
pg_copy_physical_replication_slot: slot_name lsn
pg_create_logical_replication_slot: slot_name lsn
pg_create_physical_replication_slot: slot_name lsn
pg_cursor: name statement is_holdable is_binary is_scrollable creation_time
pg_event_trigger_ddl_commands: classid objid objsubid command_tag object_type schema_name
    object_identity in_extension command
pg_event_trigger_dropped_objects: classid objid objsubid original normal is_temporary object_type
    schema_name object_name object_identity address_names address_args
pg_event_trigger_table_rewrite_oid: oid
pg_extension_update_paths: source target path
pg_get_backend_memory_contexts: name ident parent level total_bytes total_nblocks free_bytes
    free_chunks used_bytes
pg_get_catalog_foreign_keys: fktable fkcols pktable pkcols is_array is_opt
pg_get_keywords: word catcode barelabel catdesc baredesc
pg_get_multixact_members: xid mode
pg_get_object_address: classid objid objsubid
pg_get_publication_tables: relid attrs qual
pg_get_replication_slots: slot_name plugin slot_type datoid temporary active active_pid xmin
    catalog_xmin restart_lsn confirmed_flush_lsn wal_status safe_wal_size two_phase
pg_get_shmem_allocations: name off size allocated_size
pg_get_wait_events: type name description
pg_get_wal_resource_managers: rm_id rm_name rm_builtin
pg_get_wal_summarizer_state: summarized_tli summarized_lsn pending_lsn summarizer_pid
pg_hba_file_rules: line_number type database user_name address netmask auth_method options error
pg_ident_file_mappings: line_number map_name sys_name pg_username error
pg_identify_object: type schema name identity
pg_identify_object_as_address: type object_names object_args
pg_input_error_info: message detail hint sql_error_code
pg_last_committed_xact: xid timestamp roident
pg_lock_status: locktype database relation page tuple virtualxid transactionid classid objid
    objsubid virtualtransaction pid mode granted fastpath waitstart
pg_logical_slot_get_binary_changes: lsn xid data
pg_logical_slot_get_changes: lsn xid data
pg_logical_slot_peek_binary_changes: lsn xid data
pg_logical_slot_peek_changes: lsn xid data
pg_ls_archive_statusdir: name size modification
pg_ls_logdir: name size modification
pg_ls_logicalmapdir: name size modification
pg_ls_logicalsnapdir: name size modification
pg_ls_replslotdir: name size modification
pg_ls_tmpdir: name size modification
pg_ls_waldir: name size modification
pg_mcv_list_items: index values nulls frequency base_frequency
pg_options_to_table: option_name option_value
pg_partition_ancestors: relid
pg_partition_tree: relid parentrelid isleaf level
pg_prepared_statement: name statement prepare_time parameter_types from_sql generic_plans
    custom_plans
pg_prepared_xact: transaction gid prepared ownerid dbid
pg_replication_slot_advance: slot_name end_lsn
pg_sequence_parameters: start_value minimum_value maximum_value increment cycle_option cache_size
    data_type
pg_show_all_file_settings: sourcefile sourceline seqno name setting applied error
pg_show_all_settings: name setting unit category short_desc extra_desc context vartype source
    min_val max_val enumvals boot_val reset_val sourcefile sourceline pending_restart
pg_show_replication_origin_status: local_id external_id remote_lsn local_lsn
pg_split_walfile_name: segment_number timeline_id
pg_stat_file: size access modification change creation isdir
pg_stat_get_activity: datid pid usesysid application_name state query wait_event_type wait_event
    xact_start query_start backend_start state_change client_addr client_hostname client_port
    backend_xid backend_xmin backend_type ssl sslversion sslcipher sslbits ssl_client_dn
    ssl_client_serial ssl_issuer_dn gss_auth gss_princ gss_enc leader_pid query_id
pg_stat_get_archiver: archived_count last_archived_wal last_archived_time failed_count
    last_failed_wal last_failed_time stats_reset
pg_stat_get_backend_subxact: subxact_count subxact_overflowed
pg_stat_get_io: backend_type object context reads read_time writes write_time writebacks
    writeback_time extends extend_time op_bytes hits evictions reuses fsyncs fsync_time
    stats_reset
pg_stat_get_progress_info: pid datid relid param1 param2 param3 param4 param5 param6 param7
    param8 param9 param10 param11 param12 param13 param14 param15 param16 param17 param18 param19
    param20
pg_stat_get_recovery_prefetch: stats_reset prefetch hit skip_init skip_new skip_fpw skip_rep
    wal_distance block_distance io_depth
pg_stat_get_replication_slot: slot_name spill_txns spill_count spill_bytes stream_txns
    stream_count stream_bytes total_txns total_bytes stats_reset
pg_stat_get_slru: name blks_zeroed blks_hit blks_read blks_written blks_exists flushes truncates
    stats_reset
pg_stat_get_subscription: subid relid pid received_lsn last_msg_send_time last_msg_receipt_time
    latest_end_lsn latest_end_time
pg_stat_get_subscription_stats: subid apply_error_count sync_error_count stats_reset
pg_stat_get_wal: wal_records wal_fpi wal_bytes wal_buffers_full wal_write wal_sync wal_write_time
    wal_sync_time stats_reset
pg_stat_get_wal_receiver: pid status receive_start_lsn receive_start_tli written_lsn flushed_lsn
    received_tli last_msg_send_time last_msg_receipt_time latest_end_lsn latest_end_time
    slot_name sender_host sender_port conninfo
pg_stat_get_wal_senders: pid state sent_lsn write_lsn flush_lsn replay_lsn write_lag flush_lag
    replay_lag sync_priority sync_state reply_time
pg_timezone_abbrevs: abbrev utc_offset is_dst
pg_timezone_names: name abbrev utc_offset is_dst
pg_wal_summary_contents: relfilenode reltablespace reldatabase relforknumber relblocknumber
    is_limit_block
pg_walfile_name_offset: file_name file_offset
pg_xact_commit_timestamp_origin: timestamp roident
ts_debug: alias description token dictionaries dictionary lexemes
ts_parse: tokid token
ts_stat: word ndoc nentry
ts_token_type: tokid alias description
"""
# Those that have more columns in PostgreSQL 17.
_MORE_COLUMNS = """
pg_get_publication_tables: pubid relid attrs qual
pg_get_replication_slots: slot_name plugin slot_type datoid temporary active active_pid xmin
    catalog_xmin restart_lsn confirmed_flush_lsn wal_status safe_wal_size two_phase
    inactive_since conflicting invalidation_reason failover synced
pg_hba_file_rules: rule_number file_name line_number type database user_name address netmask
    auth_method options error
pg_ident_file_mappings: map_number file_name line_number map_name sys_name pg_username error
pg_prepared_statement: name statement prepare_time parameter_types result_types from_sql
    generic_plans custom_plans
pg_stat_get_activity: datid pid usesysid application_name state query wait_event_type wait_event
    xact_start query_start backend_start state_change client_addr client_hostname client_port
    backend_xid backend_xmin backend_type ssl sslversion sslcipher sslbits ssl_client_dn
    ssl_client_serial ssl_issuer_dn gss_auth gss_princ gss_enc gss_delegation leader_pid query_id
pg_stat_get_subscription: subid relid pid leader_pid received_lsn last_msg_send_time
    last_msg_receipt_time latest_end_lsn latest_end_time worker_type
"""


def _function_columns(table: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            name, _, line = line.partition(":")
        found[name] = (*found.get(name, ()), *line.split())
    return found


FUNCTION_COLUMNS: Final = _function_columns(_COLUMNS_OF_FUNCTIONS)
_NEWER_COLUMNS: Final = _function_columns(_MORE_COLUMNS)


def columns_of(function: str, aliases: int) -> tuple[str, ...]:
    """Return a function's columns: the newer ones where the text names more than there were."""
    columns = FUNCTION_COLUMNS.get(function, ())
    return _NEWER_COLUMNS.get(function, columns) if aliases > len(columns) else columns


# PostgreSQL's set-returning functions.
_WORDS_OF_SET_RETURNING = """
aclexplode generate_series generate_subscripts json_array_elements json_array_elements_text
json_each json_each_text json_object_keys json_populate_recordset json_to_recordset
jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys
jsonb_path_query jsonb_path_query_tz jsonb_populate_recordset jsonb_to_recordset
pg_available_extension_versions pg_available_extensions pg_available_wal_summaries pg_config
pg_cursor pg_event_trigger_ddl_commands pg_event_trigger_dropped_objects
pg_extension_update_paths pg_get_backend_memory_contexts pg_get_catalog_foreign_keys
pg_get_keywords pg_get_multixact_members pg_get_publication_tables pg_get_replication_slots
pg_get_shmem_allocations pg_get_wait_events pg_get_wal_resource_managers pg_hba_file_rules
pg_ident_file_mappings pg_listening_channels pg_lock_status pg_logical_slot_get_binary_changes
pg_logical_slot_get_changes pg_logical_slot_peek_binary_changes pg_logical_slot_peek_changes
pg_ls_archive_statusdir pg_ls_dir pg_ls_logdir pg_ls_logicalmapdir pg_ls_logicalsnapdir
pg_ls_replslotdir pg_ls_tmpdir pg_ls_waldir pg_mcv_list_items pg_options_to_table
pg_partition_ancestors pg_partition_tree pg_prepared_statement pg_prepared_xact
pg_show_all_file_settings pg_show_all_settings pg_show_replication_origin_status pg_snapshot_xip
pg_stat_get_activity pg_stat_get_backend_idset pg_stat_get_io pg_stat_get_progress_info
pg_stat_get_recovery_prefetch pg_stat_get_slru pg_stat_get_subscription pg_stat_get_wal_senders
pg_tablespace_databases pg_timezone_abbrevs pg_timezone_names pg_wal_summary_contents
regexp_matches regexp_split_to_table string_to_table ts_debug ts_parse ts_stat ts_token_type
txid_snapshot_xip unnest
"""
SET_RETURNING: Final = frozenset(("_pg_expandarray", *_WORDS_OF_SET_RETURNING.split()))
# These return a row whose columns only the statement itself declares.
ROW_RETURNING: Final = frozenset(
    ("json_populate_record", "json_to_record", "jsonb_populate_record", "jsonb_to_record")
)
