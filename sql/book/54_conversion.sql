-- Applications that were approved become loans, each one loan, on the terms decided.

create unique index on @book@.loan (application_id) where application_id is not null;
alter table @book@.loan add foreign key (application_id) references @book@.application;

create function @book@._convert_applications_of(loans uuid[]) returns void language plpgsql as $$
declare
    fault record;
begin
    select l.loan_no, a.application_no, a.status, o.outcome, o.amount, o.currency into fault
    from @book@.loan as l
    join @book@.application as a on a.id = l.application_id
    join @book@.application_offer as o on o.application_id = a.id
    where l.id = any (loans)
        and (l.borrower_id <> o.applicant_id or l.product_id <> o.product_id
            or l.principal > o.amount or a.status <> 'approved')
    order by a.status = 'approved', l.loan_no
    limit 1;
    if found and fault.status <> 'approved' then
        raise exception using errcode = 'LN214',
            message = format('application "%s" is %s', fault.application_no, fault.status),
            detail = 'Loans are agreed of applications that are approved.',
            hint = 'Decide it, or fulfil its conditions, first.';
    elsif found then
        raise exception using errcode = 'LN206',
            message = format('loan "%s" does not agree with application "%s"', fault.loan_no, fault.application_no),
            detail = format('Approved are %s %s.', fault.amount, fault.currency),
            hint = 'A loan has the product and the applicant of its application, and no more than the amount approved.';
    end if;
    perform @book@._transition_many('application', 'convert', array(
        select l.application_id from @book@.loan as l where l.id = any (loans) and l.application_id is not null));
end $$;
comment on function @book@._convert_applications_of(uuid[]) is
'Moves the applications loans came of to converted, and refuses with LN214 what is not approved, with LN206 what does not agree.';

create function @book@.convert_applications(applications uuid[]) returns table (application_id uuid, loan_id uuid)
    language plpgsql as $$
#variable_conflict use_column
declare
    asked jsonb;
    loan_ids uuid[];
    fault record;
begin
    perform from @book@.application as a where a.id = any (applications) order by a.id for no key update;
    select a.application_no, a.status, i.id into fault
    from unnest(applications) as i (id)
    left join @book@.application as a on a.id = i.id
    where a.status is distinct from 'approved'
    limit 1;
    if found and fault.status is null then
        raise exception using errcode = 'LN208', message = format('there is no application %s', fault.id),
            hint = 'The table application lists applications by application_no.';
    elsif found then
        raise exception using errcode = 'LN214',
            message = format('application "%s" is %s', fault.application_no, fault.status),
            detail = 'Loans are agreed of applications that are approved.',
            hint = 'Decide it, or fulfil its conditions, first.';
    end if;
    perform @book@._authorise('convert', o.most, o.currency, o.code, o.legal_entity_id)
    from (
        select p.code, o.currency, o.legal_entity_id, max(o.amount) as most
        from @book@.application_offer as o
        join @book@.product as p on p.id = o.product_id
        where o.application_id = any (applications)
        group by p.code, o.currency, o.legal_entity_id
    ) as o;
    select jsonb_agg(jsonb_build_object(
        'product_code', p.code, 'borrower_id', a.applicant_id, 'loan_no', a.application_no, 'terms', o.terms,
        'officer_id', a.officer_id, 'branch_id', a.branch_id, 'channel', a.channel, 'application_id', a.id)
        order by a.application_no) into asked
    from @book@.application_offer as o
    join @book@.application as a on a.id = o.application_id
    join @book@.product as p on p.id = a.product_id
    where o.application_id = any (applications);
    select array_agg(g.loan_id) into loan_ids from @book@._agree(coalesce(asked, '[]')) as g;
    return query select l.application_id, l.id from @book@.loan as l where l.id = any (loan_ids);
end $$;
comment on function @book@.convert_applications(uuid[]) is
'Agrees the loans of approved applications on the terms decided, all or none; their numbers are those of the applications. LN214 for one that is not approved.';

create function @book@.convert_application(application_id uuid) returns uuid language sql as $$
    select c.loan_id from @book@.convert_applications(array[application_id]) as c
$$;
comment on function @book@.convert_application(uuid) is
'Agrees the loan of an approved application on the terms decided and returns its key; LN214 when it is not approved.';

insert into @book@.check_definition values
    ('converted applications have a loan',
    'An application is converted if and only if a loan was agreed of it, on no more than was approved.',
    'select format(''application %s'', a.application_no)
        from @book@.application as a
        join @book@.application_offer as o on o.application_id = a.id
        left join @book@.loan as l on l.application_id = a.id
        where (a.status = ''converted'') <> (l.id is not null) or l.principal > o.amount'),
    ('loans keep the terms of their product', 'The terms of a loan contain all that its version of the product fixes.',
    'select format(''loan %s'', l.loan_no)
        from @book@.loan as l
        join @book@.product_version as v on v.id = l.product_version_id
        where @book@._contradicted_terms(v.terms, l.terms) is not null
            or exists (select jsonb_object_keys(v.terms) except select jsonb_object_keys(l.terms))');
