-- The words that other systems have for states.

create table @book@.status_vocabulary (
    system text not null,
    machine text not null,
    state text not null,
    word text not null,
    is_read boolean not null default true,
    primary key (system, machine, state),
    foreign key (machine, state) references @book@.state
);
create unique index on @book@.status_vocabulary (system, machine, word) where is_read;
comment on table @book@.status_vocabulary is 'What other systems call the states of a machine.';
comment on column @book@.status_vocabulary.system is 'The other system; fold for the statuses of loan_engine.fold.';
comment on column @book@.status_vocabulary.machine is 'The machine.';
comment on column @book@.status_vocabulary.state is 'The state.';
comment on column @book@.status_vocabulary.word is 'What it is called there.';
comment on column @book@.status_vocabulary.is_read is
'Whether the word means this state when it is read; one of the states it stands for.';
insert into @book@.status_vocabulary values
    ('fold', 'loan', 'approved', 'approved', true), ('fold', 'loan', 'active', 'active', true),
    ('fold', 'loan', 'overdue', 'active', false), ('fold', 'loan', 'defaulted', 'active', false),
    ('fold', 'loan', 'written_off', 'written_off', true), ('fold', 'loan', 'closed', 'closed', true),
    ('fold', 'loan', 'transferred', 'closed', false), ('fold', 'loan', 'cancelled', 'approved', false),
    ('officer_metrics', 'loan', 'active', 'Active', true), ('officer_metrics', 'loan', 'overdue', 'Active', false),
    ('officer_metrics', 'loan', 'defaulted', 'Active', false), ('officer_metrics', 'loan', 'closed', 'Closed', true),
    ('officer_metrics', 'loan', 'transferred', 'Closed', false),
    ('officer_metrics', 'loan', 'written_off', 'Written Off', true),
    ('loan_tracker', 'application', 'submitted', 'PENDING', true),
    ('loan_tracker', 'application', 'under_review', 'PENDING', false),
    ('loan_tracker', 'application', 'conditionally_approved', 'PENDING', false),
    ('loan_tracker', 'application', 'approved', 'APPROVED', true),
    ('loan_tracker', 'loan', 'approved', 'APPROVED', false), ('loan_tracker', 'loan', 'active', 'APPROVED', true),
    ('loan_tracker', 'loan', 'overdue', 'OVERDUE', true), ('loan_tracker', 'loan', 'defaulted', 'OVERDUE', false),
    ('loan_tracker', 'loan', 'closed', 'PAID', true),
    ('lending_platform', 'loan', 'active', 'active', true), ('lending_platform', 'loan', 'overdue', 'active', false),
    ('lending_platform', 'loan', 'defaulted', 'active', false), ('lending_platform', 'loan', 'closed', 'closed', true),
    ('lending_platform', 'loan', 'written_off', 'written_off', true),
    ('lending_platform', 'loan', 'transferred', 'transferred', true),
    ('lending_platform', 'application', 'submitted', 'submitted', true),
    ('lending_platform', 'application', 'under_review', 'under_review', true),
    ('lending_platform', 'application', 'conditionally_approved', 'under_review', false),
    ('lending_platform', 'application', 'approved', 'approved', true),
    ('lending_platform', 'application', 'converted', 'approved', false),
    ('lending_platform', 'application', 'rejected', 'rejected', true),
    ('lending_platform', 'application', 'withdrawn', 'withdrawn', true),
    ('lending_platform', 'collections', 'system', 'pending', true),
    ('lending_platform', 'collections', 'soft', 'in_progress', true),
    ('lending_platform', 'collections', 'active', 'in_progress', false),
    ('lending_platform', 'collections', 'intensive', 'in_progress', false),
    ('lending_platform', 'collections', 'legal', 'escalated', true),
    ('lending_platform', 'collections', 'cured', 'resolved', true),
    ('lending_platform', 'collections', 'closed', 'closed', true);
insert into @book@.status_vocabulary
select 'lending_platform', s.machine, s.name, s.name, true from @book@.state as s where s.machine = 'dispute';

create function @book@.status_word(system text, machine text, state text) returns text
    language plpgsql stable as $$
declare
    found_word text := (
        select v.word from @book@.status_vocabulary as v
        where v.system = status_word.system and v.machine = status_word.machine and v.state = status_word.state);
begin
    if found_word is null then
        raise exception using errcode = 'LN208',
            message = format('"%s" has no word for %s of machine "%s"', system, state, machine),
            hint = 'Insert it into status_vocabulary.';
    end if;
    return found_word;
end $$;
comment on function @book@.status_word(text, text, text) is
'What another system calls a state of a machine; LN208 when it has no word for it.';

create function @book@.status_of_word(system text, machine text, word text) returns text
    language plpgsql stable as $$
declare
    found_state text := (
        select v.state from @book@.status_vocabulary as v
        where v.system = status_of_word.system and v.machine = status_of_word.machine
            and v.word = status_of_word.word and v.is_read);
begin
    if found_state is null then
        raise exception using errcode = 'LN208',
            message = format('"%s" has no word "%s" of machine "%s"', system, word, machine),
            hint = 'Insert it into status_vocabulary.';
    end if;
    return found_state;
end $$;
comment on function @book@.status_of_word(text, text, text) is
'The state of a machine that another system means by a word; LN208 when it is not known.';
