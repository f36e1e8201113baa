-- What a book does by the clock, at the customary times. What is not there yet waits, and says for what.

insert into @book@.job_schedule
    (name, description, call, cron, missed, grace, jitter, expected_within, is_active, waits_for)
values
    ('work queues', 'Does the jobs of queues that have handlers.',
        'call @book@.work()', '* * * * *', 'once', '1 minute', '0', '10 minutes', true, null),
    ('fetch prices', 'Fetches the price feeds that are due, in the hours of their markets; every hour unless a feed says otherwise.',
        'call @book@.run_price_feed()', '*/5 * * * *', 'once', '1 minute', '0', '30 minutes', true, null),
    ('revalue collateral', 'Values every pool at the prices of the close, and looks at its level of margin.',
        'call @book@.run_revaluation()', '30 17 * * MON-FRI', 'once', '1 minute', '0', '2 hours', true, null),
    ('end of day', 'Ends the days that are over: interest, penalties, days past due, collections, states that time moves, margins, exposures, views, balances of the ledger.',
        'call @book@.run_end_of_day(@book@.calendar_date() - 1)', '5 0 * * *', 'once', '1 minute', '0', '6 hours', true, null),
    ('keep exposures', 'Brings the sums of what is lent up to the last event, so that who asks adds little.',
        'select @book@.run_exposure()', '50 * * * *', 'once', '1 minute', '5 minutes', '3 hours', true, null),
    ('refresh views', 'Refreshes the materialised views that are due.',
        'select @book@.run_refresh()', '0 2 * * *', 'once', '1 minute', '0', '3 hours', true, null),
    ('make partitions', 'Makes the partitions of the months and days to come, and drops those of jobs that nobody keeps.',
        'select @book@._make_partitions(@book@.business_date() + 62) + @book@._keep_job_days(@book@.calendar_date())',
        '0 3 * * *', 'once', '1 minute', '0', '1 day', true, null),
    ('clear runs', 'Removes what schedules did more than 400 days ago.',
        'with gone as (delete from @book@.job_run where finished_at < clock_timestamp() - interval ''400 days'' returning 1) select count(*) from gone',
        '30 3 * * SUN', 'once', '1 minute', '0', '2 days', true, null),
    ('payment reminders', 'Reminds of what is due soon and of what is overdue.',
        'call @book@.run_reminders()', '0 8 * * *', 'once', '6 hours', '0', '6 hours', true, null),
    ('receipts', 'Tells borrowers of payments and disbursements.',
        'select @book@.notify_of_events()', '* * * * *', 'once', '1 minute', '0', '30 minutes', true, null),
    ('missed payroll', 'Settles what was to come on pay dates, and says what was missed.',
        'select @book@.run_payroll()', '0 9 * * *', 'once', '6 hours', '0', '6 hours', true, null),
    ('payment file', 'Closes the daily files of payments whose rule says so: when nothing has come for a while, or at the cut-off.',
        'select count(@book@.close_daily_file(r.legal_entity_id)) from @book@.daily_file_rule as r'
            ' cross join lateral @book@.daily_file_due(r.legal_entity_id, @book@.business_date()) as d'
            ' where d.reason is not null and not exists (select from @book@.daily_file as f'
            ' where f.legal_entity_id = r.legal_entity_id and f.on_date = @book@.business_date())',
        '*/10 * * * *', 'once', '1 hour', '0', '1 hour', true, null),
    ('webhooks', 'Posts the payments that webhooks tell of.',
        'select w.events from @book@.post_webhooks() as w', '* * * * *', 'once', '1 minute', '0', '10 minutes', true, null),
    ('sagas', 'Takes sagas as far as they get.',
        'call @book@.run_sagas()', '* * * * *', 'once', '1 minute', '0', '10 minutes', true, null),
    ('margin sagas', 'Begins a saga for every margin call that has none.',
        'select @book@.start_margin_sagas()', '*/5 * * * *', 'once', '5 minutes', '0', '1 hour', false,
        'a lender that has margin calls worked by sagas'),
    ('officer metrics', 'Measures the portfolios of officers that changed.',
        null, '*/15 * * * *', 'once', '1 minute', '0', '1 hour', false, 'metrics of officers'),
    ('branch metrics', 'Measures the portfolios of branches that changed.',
        null, '*/30 * * * *', 'once', '1 minute', '0', '2 hours', false, 'metrics of branches'),
    ('full metrics', 'Measures all portfolios anew.',
        null, '0 2 * * *', 'once', '6 hours', '0', '4 hours', false, 'metrics of officers and branches'),
    ('par15 snapshot', 'Keeps what is past due by the middle of the month.',
        null, '0 12 15 * *', 'all', '1 hour', '0', '6 hours', false, 'metrics of officers and branches'),
    ('archive metrics', 'Moves metrics that are seldom asked for out of the way.',
        null, '0 3 * * *', 'once', '6 hours', '0', '1 day', false, 'metrics of officers and branches'),
    ('payment patterns', 'Looks at how borrowers pay: early, late, by cohort.',
        null, '0 4 * * SUN', 'once', '1 day', '0', '1 day', false, 'patterns of payment'),
    ('default risk', 'Estimates the risk of default from histories of payment, and reports early warnings.',
        null, '0 4 1 * *', 'once', '2 days', '0', '2 days', false, 'models of default'),
    ('seasonal trends', 'Looks for seasons in what is paid and collected.',
        null, '0 5 1 1,4,7,10 *', 'once', '7 days', '0', '7 days', false, 'seasons of payment'),
    ('stress tests', 'Tells what the portfolio loses in scenarios.',
        null, '0 6 * * *', 'once', '12 hours', '0', '6 hours', false, 'stress scenarios'),
    ('compliance', 'Looks whether the book keeps the rules of its regulator.',
        null, '*/5 * * * *', 'skip', '5 minutes', '0', '1 hour', false, 'rules of compliance'),
    ('retention', 'Removes or hides what may not be kept any longer.',
        null, '30 4 * * *', 'once', '1 day', '0', '2 days', false, 'policies of retention');

insert into @book@.job_schedule (name, description, on_event) values
    ('risk alerts', 'Moves pools to their level of margin, and calls for margin.', 'a price or a payment that takes a pool out of its band'),
    ('concentration', 'Holds the limits of concentration.', 'a transaction that lends and commits');

-- The clock of a book is known when its one row is.
create function @book@._start_schedules() returns trigger language plpgsql as $$
begin
    update @book@.job_schedule_state as t
    set last_slot = clock_timestamp(), retry_slot = null, attempt = 0,
        next_at = coalesce(@book@._jittered(s, @book@._next_slot(s, clock_timestamp())), 'infinity')
    from @book@.job_schedule as s
    where s.name = t.name and s.is_active and s.cron is not null;
    return null;
end $$;
comment on function @book@._start_schedules() is 'Has schedules go by the clock of the book.';
create trigger schedules after insert or update of time_zone on @book@.book
    for each row execute function @book@._start_schedules();
