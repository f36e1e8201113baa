-- Statements of the book are many and short, and their plans are kept. To compile them, as the planner
-- may think worth while, takes longer than to run them; so does to plan anew for a list of another
-- length. And a plan made while a table was small reads all of it, which is a disaster once it is not:
-- every row these statements look for has an index. A setting takes some microseconds a call, so they
-- stand where payments come in and the other functions of the path inherit them.
alter function @book@._know_payment() set enable_seqscan = off;
alter function @book@._post_payments() set jit = off set enable_seqscan = off set enable_hashjoin = off
    set enable_mergejoin = off set plan_cache_mode = force_generic_plan;
alter function @book@._open_loans() set jit = off;
alter function @book@._end_loans(date, uuid, uuid) set jit = off set enable_seqscan = off;
alter function @book@._snapshot_ledger(date) set jit = off;
alter function @book@.run_collections(date, uuid, uuid) set jit = off
    set plan_cache_mode = force_custom_plan;
alter function @book@.run_timers(date) set jit = off;
-- To open cases is to write a table that is read for those open already; a nested loop would read all
-- of it, with what was written meanwhile, for each loan.
alter function @book@._open_cases(date, uuid, uuid) set enable_nestloop = off;
-- Prices come as payments do, one by one and all at once; of a range of prices the planner thinks that a
-- third of all rows lie beyond it, where none do. An index scan remembers entries whose rows have moved on, and
-- the next does not follow them; a bitmap scan would follow those of every price before. What is called from
-- here inherits the settings.
alter function @book@._take_prices() set jit = off set enable_seqscan = off set enable_hashjoin = off
    set enable_mergejoin = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan;
alter function @book@._look_at_pools(uuid[], text) set jit = off set enable_seqscan = off set enable_hashjoin = off
    set enable_mergejoin = off set plan_cache_mode = force_generic_plan;
alter function @book@._bring_debts(uuid[]) set jit = off set enable_seqscan = off set enable_hashjoin = off
    set enable_mergejoin = off set plan_cache_mode = force_generic_plan;
