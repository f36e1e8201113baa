-- Every day of the book: prices, new loans on the first day of a month with a price, what borrowers do
-- about margin calls, what falls due, and the end of the day.

-- Twelve months each, lent at nine tenths of the highest ratio, against ounces that are pledged first.
create procedure metals.lend(today date) language plpgsql as $$
declare
    entity constant uuid := (select id from lending.legal_entity);
    one record;
    loan uuid;
    pool uuid;
begin
    for one in
        select k.product, k.asset, k.ounces, p.id as borrower_id, format('%s-%s-%s', k.product, to_char(today, 'YYYYMM'), k.place) as loan_no,
            round(k.ounces * q.price * m.initial_ltv * 0.9, 2) as principal
        from (
            select 'ON-GOLD' as product, 'XAU' as asset, 10.0 * n as ounces, n as place from generate_series(1, 4) as n
            union all select 'ON-SILVER', 'XAG', 400.0 * n, n from generate_series(1, 2) as n
        ) as k
        join lending.product as d on d.code = k.product
        join lending.margin_policy as m on m.product_id = d.id
        join lending.asset as a on a.code = k.asset
        join lending.asset_quote as q on q.asset_id = a.id
        join lending.party as p on p.party_no = (1 + (extract(year from today)::integer * 97 + extract(month from today)::integer * 31 + k.place * 53
            + length(k.product) * 7) % 400)::text
    loop
        loan := lending.agree_loan(one.product, one.borrower_id, one.loan_no, jsonb_build_object(
            'principal', one.principal, 'instalments', 12, 'disbursed_on', today));
        pool := lending.open_pool(array[loan]);
        perform lending.pledge(pool, lending.take_collateral(entity, one.borrower_id, one.loan_no, one.asset, one.ounces, 'troy_ounce'));
        perform lending.disburse(one.loan_no);
    end loop;
end $$;

-- Every call is told at once. Two borrowers of three pay what is asked for on the next day; the others
-- do nothing, and what they pledged is sold when their time is over, at a cost of 2 %.
create procedure metals.answer_calls(today date) language plpgsql as $$
declare
    entity constant uuid := (select id from lending.legal_entity);
begin
    insert into lending.payment (legal_entity_id, provider, reference, loan_id, amount, currency, value_date)
    select entity, 'bank', 'margin ' || c.id || today, l.loan_id, c.money_needed, 'USD', today
    from lending.margin_call as c
    join metals.loan as l using (pool_id)
    where c.status in ('notified', 'partly_cured') and c.opened_on < today and c.money_needed > 0
        and ('x' || right(md5(l.loan_no), 4))::bit(16)::integer % 3 > 0;
    perform lending.notify_margin_call(c.id, 'telephone') from lending.margin_call as c where c.status = 'opened';
    perform lending.liquidate_collateral(c.id, 'deadline passed') from lending.margin_call as c where c.status = 'expired';
    perform lending.settle_margin_call(c.id, round(s.value * 0.98, 2))
    from lending.margin_call as c
    join lending.margin_standing as s using (pool_id)
    where c.status = 'liquidation';
    perform lending.refund_surplus(c.id, 'to the owner') from lending.margin_call as c where c.status = 'settled' and c.surplus > 0;
end $$;

create procedure metals.run(through date) language plpgsql as $$
declare
    started constant timestamptz := clock_timestamp();
    today date := lending.business_date();
    entity constant uuid := (select id from lending.legal_entity);
    prices record;
begin
    while today <= through loop
        select p.gold, p.silver into prices from metals.price as p where p.on_date = today;
        if found then
            insert into lending.asset_price (asset_id, source, observed_at, priced_on, price, currency)
            select a.id, 'fixing', today + time '15:00' at time zone 'UTC', today, case a.code when 'XAU' then prices.gold else prices.silver end, 'USD'
            from lending.asset as a;
            if not exists (select from metals.day as d where d.on_date >= date_trunc('month', today)) then
                call metals.lend(today);
            end if;
        end if;
        insert into lending.payment (legal_entity_id, provider, reference, loan_id, amount, currency, value_date)
        select entity, 'bank', 'due ' || l.loan_no || today, l.loan_id, b.next_due_amount, 'USD', today
        from metals.loan as l
        join lending.loan_balance as b using (loan_id)
        where l.status = 'active' and l.next_due = today and b.next_due_amount > 0;
        call metals.answer_calls(today);
        if prices.gold is not null then
            insert into metals.day
            select today, prices.gold, prices.silver, max(l.ltv) filter (where l.code = 'XAU'), max(l.ltv) filter (where l.code = 'XAG'),
                (select count(*) from lending.margin_call as c where c.opened_on = today),
                (select count(*) from lending.status_history as h
                    where h.machine = 'margin_call' and h.state = 'liquidation' and h.business_date = today)
            from (
                select a.code, sum(s.debt + s.debt_per_day * (today - s.debt_from)) / sum(w.weight * q.price) as ltv
                from lending.margin_standing as s
                join lending.margin_ladder as w using (pool_id)
                join lending.asset as a on a.id = w.asset_id
                join lending.asset_quote as q on q.asset_id = a.id
                where s.debt > 0
                group by a.code
            ) as l;
        end if;
        commit;
        call lending.run_end_of_day(today);
        if extract(month from today) = 12 and extract(day from today) = 31 then
            raise info '%: gold %, % loans run, % margin calls so far, % sold, % s', today,
                (select d.gold from metals.day as d order by d.on_date desc limit 1),
                (select count(*) from lending.loan_balance where status = 'active'),
                (select count(*) from lending.margin_call), (select sum(d.liquidated) from metals.day as d),
                round(extract(epoch from clock_timestamp() - started));
        end if;
        today := lending.business_date();
    end loop;
end $$;
