-- Prices every loan of `book.loan` by each rounding rule and compares with the lender's own
-- instalment. Runs in parts, so that progress shows.

create table book.priced (
    portfolio text not null,
    loan text not null,
    rule text not null,
    instalment numeric not null,
    lender numeric not null
);

create procedure book.price(rule text, terms jsonb) language plpgsql as $$
declare
    part integer;
    parts constant integer := 5;
    done bigint := 0;
    total constant bigint := (select count(*) from book.loan);
    started constant timestamptz := clock_timestamp();
begin
    for part in 0 .. parts - 1 loop
        insert into book.priced
        select loan.portfolio, loan.loan, price.rule,
               loan_engine.instalment_amount(
                   principal => loan.principal,
                   annual_rate => loan.annual_rate,
                   instalments => loan.instalments,
                   disbursed_on => loan.disbursed_on,
                   terms => price.terms),
               loan.instalment
        from book.loan
        where loan.part % parts = price.part;
        done := (select count(*) from book.priced where priced.rule = price.rule);
        raise notice 'priced % of % loans, rounding %, % s', done, total, rule,
            round(extract(epoch from clock_timestamp() - started), 2);
        commit;
    end loop;
end $$;
