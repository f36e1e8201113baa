-- Every day of the bank: what was lent, what was paid, and the end of the day.
create procedure bank.run(through date) language plpgsql as $$
declare
    started constant timestamptz := clock_timestamp();
    today date := lending.business_date();
    entity constant uuid := (select id from lending.legal_entity);
    lent uuid[];
begin
    while today <= through loop
        lent := array(select a.loan_id from lending.agree_loans((
            select coalesce(jsonb_agg(jsonb_build_object('product_code', 'LOAN', 'borrower_id', p.id, 'loan_no', l.loan_no, 'branch_id', b.id,
                'terms', jsonb_build_object('principal', l.amount, 'instalments', l.instalments, 'disbursed_on', l.disbursed_on))), '[]')
            from bank.loan as l
            join lending.branch as b on b.code = l.district
            join lending.party as p on p.party_no = l.borrower_no
            where l.disbursed_on = today)) as a);
        perform lending.disburse_loans(lent) where cardinality(lent) > 0;
        insert into lending.payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date, method)
        select entity, 'clearing', p.reference, p.loan_no, p.amount, 'CZK', p.on_date, 'standing order'
        from bank.payment as p
        where p.on_date = today;
        commit;
        call lending.run_end_of_day(today);
        if extract(month from today) <> extract(month from today + 1) and extract(month from today) in (6, 12) then
            raise info '%: % loans lent, % owed, % payments, % s', today,
                (select count(*) from lending.loan),
                (select to_char(sum(principal), 'FM999,999,990.00') from lending.loan_balance),
                (select count(*) from lending.payment),
                round(extract(epoch from clock_timestamp() - started));
        end if;
        today := lending.business_date();
    end loop;
end $$;
