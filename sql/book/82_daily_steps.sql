-- What of states, collections, margins, exposures and the ledger belongs to the end of each day.

insert into @book@.end_of_day_step (position, name, call) values
    (20, 'collect', 'select count(*) from @book@.run_collections($1)'),
    (30, 'let time move states', 'select count(*) from @book@.run_timers($1)'),
    (40, 'look at margins', 'select @book@._end_margin_day($1)'),
    (60, 'keep exposures', 'select @book@.run_exposure()'),
    (70, 'refresh views', 'select @book@.run_refresh($1)'),
    (90, 'keep balances of the ledger', 'select @book@._snapshot_ledger($1)');
