-- The machines a book begins with. A lender changes them by adding a version that holds from then on.

insert into @book@.state_subject (machine, table_name, keeps_status, description) values
    ('loan', 'loan', true, 'where a loan stands'),
    ('charge_off', 'loan', false, 'whether a loan is taken for lost in the books, whatever it does'),
    ('risk_level', 'loan', false, 'how doubtful a loan is, by days past due'),
    ('legal_action', 'loan', false, 'which legal step a loan has come to'),
    ('application', 'application', true, 'how far an application has come'),
    ('collections', 'collections_case', true, 'how a loan past due is collected'),
    ('dispute', 'dispute', true, 'how far a complaint of a customer has come'),
    ('margin_call', 'margin_call', true, 'how far a call for more collateral has come'),
    ('collateral', 'collateral', false, 'how firmly a thing that is pledged is held');

insert into @book@.state_machine (name, version, validity, description)
select machine, 1, tstzrange(null, null), 'as a book begins' from @book@.state_subject;

insert into @book@.state (machine, name, is_initial, is_final, description) values
    ('loan', 'approved', true, false, 'agreed, and nothing lent yet'),
    ('loan', 'active', false, false, 'lent, and nothing past due'),
    ('loan', 'overdue', false, false, 'something is past due'),
    ('loan', 'defaulted', false, false,
        'past due for so long that the ladder calls it default, until all is caught up'),
    ('loan', 'written_off', false, true, 'given up'),
    ('loan', 'closed', false, true, 'paid'),
    ('loan', 'transferred', false, true, 'replaced by another loan'),
    ('loan', 'cancelled', false, true, 'never lent'),
    ('charge_off', 'carried', true, true, 'carried in the books at its value'),
    ('charge_off', 'charged_off', false, true, 'taken for lost'),
    ('risk_level', 'normal', true, true, 'not past due'),
    ('risk_level', 'watch', false, true, 'late'),
    ('risk_level', 'substandard', false, true, 'late by more than a month'),
    ('risk_level', 'doubtful', false, true, 'late by more than a quarter'),
    ('risk_level', 'loss', false, true, 'late by more than half a year'),
    ('legal_action', 'none', true, true, 'no legal step was taken'),
    ('legal_action', 'notice', false, true, 'the borrower had legal notice'),
    ('legal_action', 'lawyer', false, true, 'a lawyer wrote'),
    ('legal_action', 'court', false, true, 'a claim is before a court'),
    ('legal_action', 'enforcement', false, true, 'a title is enforced'),
    ('application', 'draft', true, false, 'being filled in'),
    ('application', 'submitted', false, false, 'handed in'),
    ('application', 'under_review', false, false, 'being looked at'),
    ('application', 'approved', false, true, 'agreed to'),
    ('application', 'conditionally_approved', false, false, 'agreed to if conditions are met'),
    ('application', 'rejected', false, true, 'refused'),
    ('application', 'withdrawn', false, true, 'taken back by the applicant'),
    ('application', 'converted', false, true, 'a loan came of it'),
    ('collections', 'system', true, false, 'reminded automatically'),
    ('collections', 'soft', true, false, 'called and written to'),
    ('collections', 'active', true, false, 'looked after by an agent'),
    ('collections', 'intensive', true, false, 'visited, and settlement offered'),
    ('collections', 'legal', true, false, 'before lawyers and courts'),
    ('collections', 'cured', false, true, 'nothing is past due any more'),
    ('collections', 'closed', false, true, 'ended without being cured'),
    ('dispute', 'open', true, false, 'raised'),
    ('dispute', 'investigating', false, false, 'being looked into'),
    ('dispute', 'escalated', false, false, 'before someone senior'),
    ('dispute', 'resolved', false, false, 'answered'),
    ('dispute', 'closed', false, true, 'done with'),
    ('margin_call', 'opened', true, false, 'too little collateral'),
    ('margin_call', 'notified', false, false, 'the borrower knows'),
    ('margin_call', 'partly_cured', false, false, 'some of what is missing came'),
    ('margin_call', 'cured', false, true, 'enough collateral again'),
    ('margin_call', 'expired', false, false, 'the deadline has passed'),
    ('margin_call', 'liquidation', false, false, 'collateral is being sold'),
    ('margin_call', 'settled', false, true, 'paid from what was sold'),
    ('margin_call', 'surplus_refunded', false, true, 'what was left of that is with the owner'),
    ('collateral', 'registered', true, false, 'taken down'),
    ('collateral', 'perfected', false, false, 'holds against others: filed, noted on the title, or assented to'),
    ('collateral', 'in_custody', false, false, 'kept by the lender or for it'),
    ('collateral', 'released', false, true, 'given back to the owner'),
    ('collateral', 'sold', false, true, 'sold for what was owed');

insert into @book@.state_transition (machine, version, from_state, event, to_state, guard, after_interval, description)
select v.machine, 1, trim(f.name), v.event, v.to_state, v.guard, v.after_interval::interval, v.description
from (values
    ('loan', 'approved', 'disburse', 'active', '_loan_is_not_lent', null, 'money was lent'),
    ('loan', 'approved', 'cancel', 'cancelled', '_loan_is_lent', null, 'it will not be lent'),
    ('loan', 'active', 'fall_overdue', 'overdue', '_loan_is_on_time', null, 'an instalment was not paid'),
    ('loan', 'active, overdue', 'default', 'defaulted', '_loan_is_not_in_default', null, 'late for too long'),
    ('loan', 'overdue, defaulted', 'catch_up', 'active', '_loan_is_late', null, 'everything past due was paid'),
    ('loan', 'active, overdue, defaulted', 'settle', 'closed', '_loan_is_not_settled', null, 'everything was paid'),
    ('loan', 'active, overdue, defaulted', 'write_off', 'written_off', '_loan_is_not_written_off', null,
        'what is outstanding was given up'),
    ('loan', 'active, overdue, defaulted', 'undo_disbursement', 'approved', '_loan_is_lent', null,
        'what was lent was not lent'),
    ('loan', 'closed, written_off, transferred', 'reopen', 'active', '_loan_is_as_it_was', null,
        'what ended it was taken back'),
    ('loan', 'closed', 'transfer', 'transferred', null, null, 'another loan took its place'),
    ('charge_off', 'carried', 'charge_off', 'charged_off', '_loan_is_not_charged_off', null, 'it was taken for lost'),
    ('charge_off', 'charged_off', 'undo_charge_off', 'carried', '_loan_is_charged_off', null,
        'it is not lost after all'),
    ('legal_action', 'none', 'legal_notice', 'notice', null, null, 'legal notice was given'),
    ('legal_action', 'none, notice', 'lawyer_letter', 'lawyer', null, null, 'a lawyer wrote'),
    ('legal_action', 'notice, lawyer', 'court_filing', 'court', null, null, 'a claim was filed'),
    ('legal_action', 'court', 'asset_recovery', 'enforcement', null, null, 'a title is being enforced'),
    ('legal_action', 'notice, lawyer, court, enforcement', 'end_legal_action', 'none', null, null,
        'legal steps have ended'),
    ('application', 'draft', 'submit', 'submitted', null, null, 'the applicant handed it in'),
    ('application', 'submitted', 'start_review', 'under_review', null, null, 'someone took it up'),
    ('application', 'under_review', 'approve', 'approved', null, null, 'it was agreed to'),
    ('application', 'under_review', 'approve_conditionally', 'conditionally_approved', null, null,
        'it was agreed to on conditions'),
    ('application', 'conditionally_approved', 'meet_conditions', 'approved', null, null, 'the conditions are met'),
    ('application', 'submitted, under_review, conditionally_approved', 'reject', 'rejected', null, null,
        'it was refused'),
    ('application', 'draft, submitted, under_review, approved, conditionally_approved', 'withdraw', 'withdrawn',
        null, null, 'the applicant took it back'),
    ('application', 'approved', 'convert', 'converted', null, null, 'a loan was agreed'),
    ('collections', 'system, soft, active, intensive, legal', 'cure', 'cured', '_case_is_late', null,
        'everything past due was paid'),
    ('collections', 'system, soft, active, intensive, legal', 'close', 'closed', null, null,
        'the loan ended otherwise'),
    ('dispute', 'open', 'investigate', 'investigating', '_dispute_has_no_assignee', null, 'someone looks into it'),
    ('dispute', 'open', 'escalate', 'escalated', null, '10 days', 'nobody took it up, or it is too grave'),
    ('dispute', 'investigating', 'escalate', 'escalated', null, '30 days', 'it takes too long, or is too grave'),
    ('dispute', 'open, investigating, escalated', 'resolve', 'resolved', '_dispute_has_no_resolution', null,
        'it was answered'),
    ('dispute', 'resolved', 'reopen', 'investigating', null, null, 'the answer was not accepted'),
    ('dispute', 'resolved', 'close', 'closed', null, '30 days', 'the answer was accepted, or not contradicted'),
    ('margin_call', 'opened', 'notify', 'notified', null, null, 'the borrower was told'),
    ('margin_call', 'opened, notified', 'cure_partly', 'partly_cured', null, null, 'some of what is missing came'),
    ('margin_call', 'opened, notified, partly_cured, expired', 'cure', 'cured', null, null, 'enough collateral again'),
    ('margin_call', 'notified, partly_cured', 'expire', 'expired', null, null, 'the deadline has passed'),
    ('margin_call', 'opened, notified, partly_cured, expired', 'liquidate', 'liquidation', '_margin_call_is_not_due',
        null, 'collateral is sold'),
    ('margin_call', 'liquidation', 'settle', 'settled', null, null, 'the proceeds were booked'),
    ('margin_call', 'settled', 'refund_surplus', 'surplus_refunded', '_margin_call_has_no_surplus', null,
        'the owner has what was left'),
    ('collateral', 'registered, in_custody', 'perfect', 'perfected', null, null, 'it holds against others'),
    ('collateral', 'registered, perfected', 'take_into_custody', 'in_custody', null, null, 'it is kept by the lender or for it'),
    ('collateral', 'perfected', 'lapse', 'registered', null, null, 'it does not hold against others any more'),
    ('collateral', 'registered, perfected, in_custody', 'release', 'released', '_collateral_is_pledged', null,
        'the owner has it back'),
    ('collateral', 'registered, perfected, in_custody', 'sell', 'sold', '_collateral_is_pledged', null, 'it was sold')
) as v (machine, from_states, event, to_state, guard, after_interval, description)
cross join lateral string_to_table(v.from_states, ',') as f (name);

-- States that follow the days past due: a ladder each.

create table @book@.lateness_ladder (
    machine text not null,
    state text not null,
    from_days integer not null check (from_days >= 0),
    primary key (machine, state),
    unique (machine, from_days),
    foreign key (machine, state) references @book@.state
);
comment on table @book@.lateness_ladder is 'The state that days past due lead to, of the machines that follow them.';
comment on column @book@.lateness_ladder.machine is 'The machine.';
comment on column @book@.lateness_ladder.state is 'The state.';
comment on column @book@.lateness_ladder.from_days is 'From how many days past due, up to the next rung.';
insert into @book@.lateness_ladder values
    ('loan', 'active', 0), ('loan', 'overdue', 1), ('loan', 'defaulted', 91),
    ('risk_level', 'normal', 0), ('risk_level', 'watch', 1), ('risk_level', 'substandard', 31),
    ('risk_level', 'doubtful', 91), ('risk_level', 'loss', 181),
    ('collections', 'system', 1), ('collections', 'soft', 8), ('collections', 'active', 31),
    ('collections', 'intensive', 61), ('collections', 'legal', 91);

-- A ladder is climbed and descended by any number of rungs; but what is before a court stays there
-- until it is cured.
insert into @book@.state_transition (machine, version, from_state, event, to_state, description)
select f.machine, 1, f.state, 'reach_' || t.state, t.state, format('from %s days past due', t.from_days)
from @book@.lateness_ladder as f
join @book@.lateness_ladder as t on t.machine = f.machine and t.state <> f.state
where f.machine in ('risk_level', 'collections') and f.state <> 'legal';

create view @book@._rung_span as
select l.machine, l.state, l.from_days,
    coalesce(lead(l.from_days) over (partition by l.machine order by l.from_days) - 1, 2147483647) as through_days
from @book@.lateness_ladder as l;
comment on view @book@._rung_span is 'The rungs of the ladders, from and through how many days past due.';
comment on column @book@._rung_span.machine is 'The machine.';
comment on column @book@._rung_span.state is 'The state.';
comment on column @book@._rung_span.from_days is 'From how many days past due.';
comment on column @book@._rung_span.through_days is 'Through how many.';

create function @book@._rung(machine text, days integer) returns text
    language sql stable as $$
    select l.state
    from @book@.lateness_ladder as l
    where l.machine = _rung.machine and l.from_days <= days
    order by l.from_days desc
    limit 1
$$;
comment on function @book@._rung(text, integer) is
'The state of a machine that days past due lead to; NULL below its lowest rung.';
