-- Prices every loan by a rounding rule and compares with the lender's own instalment, in parts, so
-- that progress shows.
create table book.priced (
    portfolio text not null,
    loan text not null,
    rounding text not null,
    instalment numeric not null,
    lender numeric not null
);

create procedure book.price(rule text, more jsonb) language plpgsql as $$
declare
    parts constant integer := 5;
    total constant bigint := (select count(*) from book.loan);
    started constant timestamptz := clock_timestamp();
begin
    for part_number in 0 .. parts - 1 loop
        insert into book.priced
        select portfolio, loan, rule,
               loan_engine.instalment_amount(
                   loan_amount, annual_rate, instalments, disbursed_on, more),
               instalment
        from book.loan
        where part % parts = part_number;
        commit;
        raise info 'priced % of % loans, rounding %, % s',
            (select count(*) from book.priced where rounding = rule), total, rule,
            round(extract(epoch from clock_timestamp() - started), 2);
    end loop;
end $$;

call book.price('to the nearest cent', '{}');
call book.price('up to the cent', '{"rounding": {"multiple": "0.01", "multiple_mode": "up"}}');
