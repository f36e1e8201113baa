-- ACTUS contracts as events.

-- PAM: 1,000 lent at 12 % on 30E/360 pays 30 a quarter and the principal at the end.
select * from loan_engine.actus_events('{
    "contractType": "PAM", "contractID": "bullet", "contractRole": "RPA", "currency": "EUR",
    "statusDate": "2023-12-31T00:00:00", "contractDealDate": "2023-12-31T00:00:00",
    "initialExchangeDate": "2024-01-01T00:00:00", "maturityDate": "2025-01-01T00:00:00",
    "notionalPrincipal": "1000", "nominalInterestRate": "0.12", "dayCountConvention": "30E360",
    "cycleAnchorDateOfInterestPayment": "2024-04-01T00:00:00", "cycleOfInterestPayment": "P3ML0"
}');

-- ANN: 5,000 at 1 % a month over a year is repaid by the annuity that pmt gives, each payment its
-- interest and its principal, to nothing, whether the amount is given or left to the contract.
create temporary view contract as
select given, jsonb_build_object(
    'contractType', 'ANN', 'contractID', 'annuity', 'contractRole', 'RPA', 'currency', 'EUR',
    'statusDate', '2023-12-31T00:00:00', 'contractDealDate', '2023-12-31T00:00:00',
    'initialExchangeDate', '2024-01-01T00:00:00', 'maturityDate', '2025-01-01T00:00:00',
    'notionalPrincipal', '5000', 'nominalInterestRate', '0.12', 'dayCountConvention', '30E360',
    'cycleAnchorDateOfInterestPayment', '2024-02-01T00:00:00', 'cycleOfInterestPayment', 'P1ML0',
    'cycleAnchorDateOfPrincipalRedemption', '2024-02-01T00:00:00', 'cycleOfPrincipalRedemption', 'P1ML0'
) || case when given
    then jsonb_build_object('nextPrincipalRedemptionPayment', -loan_engine.pmt(0.01, 12, 5000))
    else '{}' end as terms
from unnest(array[true, false]) as given;

with event as (
    select c.given, e.*
    from contract as c cross join lateral loan_engine.actus_events(c.terms) as e
), paid as (
    select given, event_date, sum(payoff) as payoff,
        sum(payoff) filter (where event_type = 'IP') as interest,
        row_number() over (partition by given order by event_date) as period
    from event where event_type in ('IP', 'PR', 'MD')
    group by given, event_date
)
select given, count(*) as dates, min(event_date) as first_date, max(event_date) as last_date,
    count(*) filter (where abs(payoff + loan_engine.pmt(0.01, 12, 5000)) > 1e-9) as other_payment,
    count(*) filter (where abs(interest + loan_engine.ipmt(0.01, period::integer, 12, 5000)) > 1e-9)
        as other_interest,
    round(sum(payoff) - sum(interest), 9) as repaid
from paid group by given order by given;

-- An event set that ends early is the beginning of the whole.
select count(*) as events,
    count(*) filter (where part is distinct from whole) as different
from (
    select row_number() over () as number, e::text as part
    from contract cross join lateral loan_engine.actus_events(terms, until => '2024-06-01') as e where given
) as part
left join (
    select row_number() over () as number, e::text as whole
    from contract cross join lateral loan_engine.actus_events(terms) as e where given
) as whole using (number);

-- Refusals name the term.
select call, r.*
from (values
    (1, $$'{}'$$),
    (2, $$'[]'$$),
    (3, $$'{"contractType": "SWAPS"}'$$),
    (4, $$(select terms || '{"notionalPrincipal": "much"}' from contract where given)$$),
    (5, $$(select terms || '{"cycleOfInterestPayment": "monthly"}' from contract where given)$$),
    (6, $$(select terms || '{"maturityDate": "2023-01-01T00:00:00"}' from contract where given)$$),
    (7, $$(select terms || '{"dayCountConvention": "31E360"}' from contract where given)$$),
    (8, $$null$$)
) as bad (call, terms)
cross join lateral test.refusal(format('select loan_engine.actus_events(%s)', terms)) as r
order by call;
