-- Statements of the book are many and short, and their plans are kept. To compile them, as the planner
-- may think worth while, takes longer than to run them. And a plan made while a table was empty reads
-- all of it, which is a disaster once it is not: every row these statements look for has an index.
alter function @book@._know_payment() set enable_seqscan = off;
alter function @book@._post_payments() set jit = off set enable_seqscan = off;
alter function @book@._project_events() set jit = off set enable_seqscan = off;
alter function @book@._check_entries() set jit = off;
alter function @book@._open_loans() set jit = off;
alter function @book@._end_chunk(date, uuid, uuid) set jit = off set enable_seqscan = off;
alter function @book@._end_chunk_around_faults(date, uuid, uuid) set jit = off set enable_seqscan = off;
alter function @book@._snapshot_ledger(date) set jit = off;
alter function @book@.run_collections(date) set jit = off;
alter function @book@.run_timers(date) set jit = off;
