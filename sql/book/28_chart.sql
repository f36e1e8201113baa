-- A chart of accounts to begin with. A lender changes names and numbers, adds accounts and points
-- posting rules to them; nothing depends on the numbers but the rules.

create table @book@.chart_template (
    code text primary key,
    name text not null,
    class text not null check (class in ('asset', 'liability', 'equity', 'income', 'expense')),
    parent_code text references @book@.chart_template,
    is_control boolean not null default false,
    posted_from text[] not null default '{}'
);
comment on table @book@.chart_template is 'The chart of accounts a new legal entity is given.';
comment on column @book@.chart_template.code is 'The number of the account.';
comment on column @book@.chart_template.name is 'Its name.';
comment on column @book@.chart_template.class is 'Asset, liability, equity, income or expense.';
comment on column @book@.chart_template.parent_code is 'The number of the account it is summed into.';
comment on column @book@.chart_template.is_control is
'Whether loans make up its balance, so that nothing is booked to it by hand.';
comment on column @book@.chart_template.posted_from is 'The abstract accounts that are posted to it.';
insert into @book@.chart_template (code, name, class, parent_code, is_control, posted_from) values
    ('1000', 'Cash and banks', 'asset', null, false, '{}'),
    ('1010', 'Bank account for lending and collection', 'asset', '1000', false, '{fund_source}'),
    ('1020', 'Cash in transit', 'asset', '1000', false, '{}'),
    ('1030', 'Petty cash', 'asset', '1000', false, '{}'),
    ('1200', 'Loans to customers', 'asset', null, false, '{}'),
    ('1210', 'Loan principal', 'asset', '1200', true, '{principal}'),
    ('1220', 'Interest receivable', 'asset', '1200', true, '{interest_receivable}'),
    ('1230', 'Fees receivable', 'asset', '1200', true, '{fee_receivable}'),
    ('1240', 'Penalties receivable', 'asset', '1200', true, '{penalty_receivable}'),
    ('1290', 'Allowance for expected credit losses', 'asset', '1200', false, '{}'),
    ('1400', 'Loans in transfer to another owner', 'asset', null, false, '{suspense}'),
    ('1500', 'Other receivables', 'asset', null, false, '{}'),
    ('1510', 'Receivables from payment providers', 'asset', '1500', false, '{}'),
    ('1600', 'Repossessed collateral', 'asset', null, false, '{}'),
    ('1700', 'Foreign exchange position', 'asset', null, false, '{fx_position}'),
    ('1900', 'Intercompany receivables', 'asset', null, false, '{}'),
    ('2000', 'Borrowings', 'liability', null, false, '{}'),
    ('2100', 'Customer money', 'liability', null, false, '{}'),
    ('2110', 'Overpayments of borrowers', 'liability', '2100', true, '{overpayment}'),
    ('2120', 'Unmatched payments', 'liability', '2100', false, '{unmatched}'),
    ('2130', 'Refunds payable', 'liability', '2100', false, '{}'),
    ('2200', 'Deferred income', 'liability', null, false, '{deferred_income}'),
    ('2300', 'Taxes payable', 'liability', null, false, '{}'),
    ('2400', 'Accrued expenses', 'liability', null, false, '{}'),
    ('2900', 'Intercompany payables', 'liability', null, false, '{}'),
    ('3000', 'Paid-in capital', 'equity', null, false, '{}'),
    ('3100', 'Retained earnings', 'equity', null, false, '{}'),
    ('4000', 'Interest income', 'income', null, false, '{interest_income}'),
    ('4010', 'Interest income given up', 'income', '4000', false, '{interest_income_charge_off}'),
    ('4100', 'Fee income', 'income', null, false, '{fee_income}'),
    ('4110', 'Fee income given up', 'income', '4100', false, '{fee_income_charge_off}'),
    ('4200', 'Penalty income', 'income', null, false, '{penalty_income}'),
    ('4210', 'Penalty income given up', 'income', '4200', false, '{penalty_income_charge_off}'),
    ('4300', 'Recoveries of loans given up', 'income', null, false, '{recoveries}'),
    ('4400', 'Foreign exchange gains', 'income', null, false, '{}'),
    ('4900', 'Other income', 'income', null, false, '{}'),
    ('5000', 'Loans written off', 'expense', null, false, '{write_off}'),
    ('5010', 'Loans charged off', 'expense', '5000', false, '{charge_off_expense}'),
    ('5020', 'Loans charged off for fraud', 'expense', '5000', false, '{charge_off_fraud_expense}'),
    ('5100', 'Change of allowance for expected credit losses', 'expense', null, false, '{}'),
    ('5200', 'Goodwill credits', 'expense', null, false, '{goodwill_expense}'),
    ('5300', 'Interest on borrowings', 'expense', null, false, '{}'),
    ('5400', 'Foreign exchange losses', 'expense', null, false, '{}'),
    ('5500', 'Bank and payment charges', 'expense', null, false, '{}'),
    ('5600', 'Commissions to agents and brokers', 'expense', null, false, '{}'),
    ('5900', 'Operating expenses', 'expense', null, false, '{}');

create function @book@._seed_chart(legal_entity_id uuid, currency text default null) returns integer
    language plpgsql as $$
declare
    added integer;
begin
    insert into @book@.ledger_account (legal_entity_id, code, name, class, currency, parent_code, is_control)
    select l.id, t.code, t.name, t.class, coalesce(_seed_chart.currency, l.currency), t.parent_code, t.is_control
    from @book@.chart_template as t
    join @book@.legal_entity as l on l.id = _seed_chart.legal_entity_id
    order by t.code
    on conflict do nothing;
    get diagnostics added = row_count;
    insert into @book@.posting_rule (legal_entity_id, account, ledger_code)
    select _seed_chart.legal_entity_id, abstract.account, t.code
    from @book@.chart_template as t
    cross join unnest(t.posted_from) as abstract (account)
    order by t.code
    on conflict do nothing;
    return added;
end $$;
comment on function @book@._seed_chart(uuid, text) is
'Gives a legal entity the chart of chart_template in a currency, its own when not given, and the general posting rules; what is there stays. Returns how many accounts were added.';

create function @book@.add_legal_entity(code text, name text, country text default null, currency text default null)
    returns uuid language plpgsql as $$
declare
    kept_in text := coalesce(add_legal_entity.currency, (select b.base_currency from @book@.book as b));
    added uuid;
begin
    perform @book@._authorise('add_legal_entity');
    perform loan_engine.minor_units(kept_in);
    insert into @book@.legal_entity as l (code, name, country, currency)
    values (add_legal_entity.code, add_legal_entity.name, add_legal_entity.country, kept_in)
    on conflict do nothing
    returning l.id into added;
    if added is null then
        raise exception using errcode = 'LN209', message = format('there is a legal entity "%s"', code),
            hint = 'Give another code; the table legal_entity lists those there are.';
    end if;
    perform @book@._seed_chart(added);
    return added;
end $$;
comment on function @book@.add_legal_entity(text, text, text, text) is
'Adds a legal entity with a chart of accounts and posting rules in its currency, that of the book when not given; LN209 when the code is taken.';

create function @book@.add_ledger_currency(legal_entity text, currency text) returns integer language plpgsql as $$
declare
    ledger uuid := @book@._legal_entity(legal_entity);
begin
    perform @book@._authorise('add_legal_entity', legal_entity_id => ledger);
    perform loan_engine.minor_units(currency);
    return @book@._seed_chart(ledger, currency);
end $$;
comment on function @book@.add_ledger_currency(text, text) is
'Gives a legal entity the chart of accounts in another currency, for loans and payments in it; returns how many accounts were added.';
