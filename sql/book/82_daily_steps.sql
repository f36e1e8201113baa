-- What of states, collections, margins, exposures and the ledger belongs to the end of each day.

insert into @book@.end_of_day_step (position, name, is_by_range, call) values
    (20, 'collect', true, 'select count(*) from @book@.run_collections($1, $2, $3)'),
    (30, 'let time move states', false, 'select count(*) from @book@.run_timers($1)'),
    (40, 'look at margins', false, 'select @book@._end_margin_day($1)'),
    (60, 'keep exposures', false, 'select @book@.run_exposure()'),
    (70, 'refresh views', false, 'select @book@.run_refresh($1)'),
    (90, 'keep balances of the ledger', false, 'select @book@._snapshot_ledger($1)');
