-- The loans and the ledger say the same.

-- What loans come to, as the ledger should have it. The principal of a loan that was charged off has
-- left the ledger while the borrower still owes it; that of one that is not lent has not come there.
create view @book@.ledger_control as
with owed as (
    select l.product_id, l.currency, v.account, sum(v.amount) as amount
    from @book@.loan_balance as b
    join @book@.loan as l on l.id = b.loan_id
    cross join lateral (values
        ('principal', case when b.charged_off_on is null and b.status <> 'approved' then b.principal else 0 end),
        ('overpayment', -b.overpaid)) as v (account, amount)
    group by l.product_id, l.currency, v.account
    union all
    select r.product_id, r.currency, v.account, sum(v.amount)
    from @book@.receivable as r
    cross join lateral (values
        ('interest_receivable', r.interest), ('fee_receivable', r.fees), ('penalty_receivable', r.penalties)) as v (account, amount)
    group by r.product_id, r.currency, v.account
), kept as (
    select a.ledger_account_id, sum(o.amount) as loans,
        string_agg(distinct a.account, ', ' order by a.account) as accounts,
        string_agg(distinct p.code, ', ' order by p.code) as products
    from owed as o
    join @book@.product as p on p.id = o.product_id
    join @book@.posting_account as a
        on a.product_id = o.product_id and a.account = o.account and a.currency = o.currency
    group by a.ledger_account_id
)
select l.code as legal_entity, g.code, g.name, g.currency, k.accounts, k.products, coalesce(k.loans, 0) as loans,
    coalesce(s.debit - s.credit, 0) as ledger
from @book@.book as d
cross join lateral @book@._ledger_sums(d.business_date) as s
join @book@.ledger_account as g on g.id = s.account_id
join @book@.legal_entity as l on l.id = g.legal_entity_id
left join kept as k on k.ledger_account_id = g.id
where k.ledger_account_id is not null or g.is_control;
comment on view @book@.ledger_control is
'What the loans make up of each control account, beside its balance in the ledger on the business date; the two agree.';
comment on column @book@.ledger_control.legal_entity is 'Whose ledger, by code.';
comment on column @book@.ledger_control.code is 'The number of the account.';
comment on column @book@.ledger_control.name is 'Its name.';
comment on column @book@.ledger_control.currency is 'ISO 4217 code.';
comment on column @book@.ledger_control.accounts is 'The abstract accounts that are posted to it.';
comment on column @book@.ledger_control.products is 'The products whose loans make it up.';
comment on column @book@.ledger_control.loans is 'What the loans come to, in currency units; a debit above zero.';
comment on column @book@.ledger_control.ledger is 'The balance in the ledger.';

insert into @book@.check_definition values
    ('loans are in the ledger',
    'Principal, receivables and overpayments of loans are the balances of their ledger accounts, by product and currency.',
    'select format(''account %s of %s in %s (%s): loans %s, ledger %s'', code, legal_entity, currency, products, loans, ledger)
        from @book@.ledger_control where loans <> ledger'),
    ('accruals are in the ledger', 'What days added to the income of loans is what the ledger has of it, by day and account.',
    'select format(''account %s on %s: loans %s, ledger %s'', coalesce(a.account, e.account), on_date, coalesce(a.amount, 0), coalesce(e.amount, 0))
        from (
            select p.ledger_account_id as account, d.on_date, sum(v.amount) as amount
            from @book@.accrual as d
            join @book@.loan_balance as b using (loan_id)
            cross join lateral (values (''interest_receivable'', d.interest), (''fee_receivable'', d.fees),
                (''penalty_receivable'', d.penalties)) as v (account, amount)
            join @book@.posting_account as p on p.product_id = b.product_id and p.account = v.account and p.currency = b.currency
            group by p.ledger_account_id, d.on_date
        ) as a
        full join (
            select e.account_id as account, t.value_date as on_date, sum(e.amount) as amount
            from @book@.ledger_transaction as t
            join @book@.ledger_entry as e on e.transaction_id = t.id and e.booking_date = t.booking_date
            where t.kind = ''accrual'' and e.account_id in (
                select p.ledger_account_id from @book@.posting_account as p
                where p.account in (''interest_receivable'', ''fee_receivable'', ''penalty_receivable''))
            group by e.account_id, t.value_date
        ) as e using (account, on_date)
        where coalesce(a.amount, 0) <> coalesce(e.amount, 0)');
