-- Documents: what they are and where they lie, what they belong to, and what can be found in them.
--
-- The bytes lie elsewhere, under their address; the book keeps their SHA-256, so that what is fetched
-- can be told from what was filed. Text is searched by words of its own language and by words as they
-- stand, which names and numbers need. Synonyms are rows and not a file on the server: they widen the
-- question, so a new one finds old documents, too.

-- Words as they stand, for any language; those of a language are reduced by the dictionary of it.
create text search configuration @book@.lending (copy = pg_catalog.simple);
comment on text search configuration @book@.lending is 'Words as they stand, of documents in any language.';
create text search configuration @book@.lending_en (copy = pg_catalog.english);
comment on text search configuration @book@.lending_en is 'Words of English documents, reduced to their stems.';
create text search configuration @book@.lending_de (copy = pg_catalog.german);
comment on text search configuration @book@.lending_de is 'Words of German documents, reduced to their stems.';
create text search configuration @book@.lending_fr (copy = pg_catalog.french);
comment on text search configuration @book@.lending_fr is 'Words of French documents, reduced to their stems.';
create text search configuration @book@.lending_es (copy = pg_catalog.spanish);
comment on text search configuration @book@.lending_es is 'Words of Spanish documents, reduced to their stems.';

create function @book@._search_vector(language text, title text, kind text, content text) returns tsvector
    language sql immutable parallel safe
    return setweight(to_tsvector('@book@.lending'::regconfig, concat_ws(' ', title, replace(kind, '_', ' '))), 'A')
        || case language
            when 'en' then setweight(to_tsvector('@book@.lending_en'::regconfig, title), 'A')
                || to_tsvector('@book@.lending_en'::regconfig, coalesce(content, ''))
            when 'de' then setweight(to_tsvector('@book@.lending_de'::regconfig, title), 'A')
                || to_tsvector('@book@.lending_de'::regconfig, coalesce(content, ''))
            when 'fr' then setweight(to_tsvector('@book@.lending_fr'::regconfig, title), 'A')
                || to_tsvector('@book@.lending_fr'::regconfig, coalesce(content, ''))
            when 'es' then setweight(to_tsvector('@book@.lending_es'::regconfig, title), 'A')
                || to_tsvector('@book@.lending_es'::regconfig, coalesce(content, ''))
            else to_tsvector('@book@.lending'::regconfig, coalesce(content, ''))
        end;
comment on function @book@._search_vector(text, text, text, text) is
'What of a document is searched: its title and kind before its text, by its language and as it stands.';

create table @book@.document (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    kind text not null check (kind ~ '^[a-z][a-z0-9_]*$'),
    title text not null check (title <> ''),
    url text not null check (url <> ''),
    sha256 bytea not null check (length(sha256) = 32),
    mime text not null check (mime ~ '^[a-z]+/[a-z0-9.+-]+$'),
    size_bytes bigint not null check (size_bytes >= 0),
    language text check (language ~ '^[a-z]{2}$'),
    content text,
    issued_on date,
    expires_on date check (expires_on >= issued_on),
    filed_by text not null default @book@.actor(),
    filed_at timestamptz not null default clock_timestamp(),
    search tsvector generated always as (@book@._search_vector(language, title, kind, content)) stored,
    unique (legal_entity_id, sha256)
);
create index on @book@.document using gin (search);
create index on @book@.document (expires_on) where expires_on is not null;
comment on table @book@.document is 'A document: where it lies, how to tell it, and what it says.';
comment on column @book@.document.id is 'Key.';
comment on column @book@.document.legal_entity_id is 'Whose file it is in.';
comment on column @book@.document.kind is
'What it is, such as id_card, payslip or contract; rules of products ask for kinds.';
comment on column @book@.document.title is 'Its title.';
comment on column @book@.document.url is 'Where its bytes lie.';
comment on column @book@.document.sha256 is 'SHA-256 of its bytes; the same document is filed once.';
comment on column @book@.document.mime is 'Its media type, such as application/pdf.';
comment on column @book@.document.size_bytes is 'Its length in bytes.';
comment on column @book@.document.language is 'ISO 639 code of its language; en, de, fr and es are searched by stems.';
comment on column @book@.document.content is 'Its text, as far as it was read out.';
comment on column @book@.document.issued_on is 'The day it was issued.';
comment on column @book@.document.expires_on is 'The day from which it holds no more.';
comment on column @book@.document.filed_by is 'Who filed it.';
comment on column @book@.document.filed_at is 'When it was filed.';
comment on column @book@.document.search is 'The words it is found by.';

create table @book@.document_link (
    document_id uuid not null references @book@.document,
    party_id uuid references @book@.party,
    application_id uuid references @book@.application,
    loan_id uuid references @book@.loan,
    linked_by text not null default @book@.actor(),
    unique nulls not distinct (document_id, party_id, application_id, loan_id),
    check (num_nonnulls(party_id, application_id, loan_id) = 1)
);
create index on @book@.document_link (party_id) where party_id is not null;
create index on @book@.document_link (application_id) where application_id is not null;
create index on @book@.document_link (loan_id) where loan_id is not null;
comment on table @book@.document_link is 'What a document belongs to: one party, application or loan a row.';
comment on column @book@.document_link.document_id is 'The document.';
comment on column @book@.document_link.party_id is 'The party.';
comment on column @book@.document_link.application_id is 'The application.';
comment on column @book@.document_link.loan_id is 'The loan.';
comment on column @book@.document_link.linked_by is 'Who said so.';

create view @book@.application_document as
select k.application_id, d.id as document_id, d.kind, d.title, d.url, d.expires_on,
    coalesce(d.expires_on <= b.business_date, false) as is_expired
from @book@.document_link as k
join @book@.document as d on d.id = k.document_id
cross join @book@.book as b
where k.application_id is not null;
comment on view @book@.application_document is 'The documents of each application.';
comment on column @book@.application_document.application_id is 'The application.';
comment on column @book@.application_document.document_id is 'The document.';
comment on column @book@.application_document.kind is 'What it is.';
comment on column @book@.application_document.title is 'Its title.';
comment on column @book@.application_document.url is 'Where its bytes lie.';
comment on column @book@.application_document.expires_on is 'The day from which it holds no more.';
comment on column @book@.application_document.is_expired is 'Whether that day has come.';

-- A document belongs to what its legal entity has to do with.
create function @book@._check_document_links() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select d.title into fault
    from linked as n
    join @book@.document as d on d.id = n.document_id
    left join @book@.party as p on p.id = n.party_id
    left join @book@.application as a on a.id = n.application_id
    left join @book@.loan as l on l.id = n.loan_id
    where d.legal_entity_id <> coalesce(p.legal_entity_id, a.legal_entity_id, l.legal_entity_id)
    limit 1;
    if found then
        raise exception using errcode = 'LN206',
            message = format('document "%s" is in the file of another legal entity', fault.title),
            hint = 'File it for the legal entity, too.';
    end if;
    return null;
end $$;
comment on function @book@._check_document_links() is 'Refuses with LN206 a document of another legal entity.';
create trigger agreeing after insert on @book@.document_link
    referencing new table as linked for each statement execute function @book@._check_document_links();
create trigger append_only before update or truncate on @book@.document_link
    for each statement execute function @book@._refuse_change();

create function @book@.file_document(
    legal_entity_id uuid, kind text, title text, url text, sha256 bytea, mime text, size_bytes bigint,
    language text default null, content text default null, issued_on date default null, expires_on date default null,
    party_id uuid default null, application_id uuid default null, loan_id uuid default null
) returns uuid language plpgsql as $$
declare
    filed uuid;
begin
    insert into @book@.document (legal_entity_id, kind, title, url, sha256, mime, size_bytes, language, content,
        issued_on, expires_on)
    values (file_document.legal_entity_id, file_document.kind, file_document.title, file_document.url,
        file_document.sha256, file_document.mime, file_document.size_bytes, file_document.language,
        file_document.content, file_document.issued_on, file_document.expires_on)
    on conflict on constraint document_legal_entity_id_sha256_key do nothing
    returning id into filed;
    if filed is null then
        select d.id into filed
        from @book@.document as d
        where d.legal_entity_id = file_document.legal_entity_id and d.sha256 = file_document.sha256;
    end if;
    insert into @book@.document_link (document_id, party_id, application_id, loan_id)
    select filed, case t.kind when 'party' then t.id end, case t.kind when 'application' then t.id end,
        case t.kind when 'loan' then t.id end
    from (values
        ('party', file_document.party_id),
        ('application', file_document.application_id),
        ('loan', file_document.loan_id)
    ) as t (kind, id)
    where t.id is not null
    on conflict do nothing;
    return filed;
end $$;
comment on function @book@.file_document(
    uuid, text, text, text, bytea, text, bigint, text, text, date, date, uuid, uuid, uuid
) is
'Files a document for a party, an application, a loan or several of them, and returns its key; bytes filed before are the same document, and are linked only.';

create table @book@.search_synonym (
    term text primary key check (term <> ''),
    synonym text not null check (synonym <> '')
);
comment on table @book@.search_synonym is 'Words that mean the same: who searches for the term finds the synonym, too.';
comment on column @book@.search_synonym.term is 'The word asked for.';
comment on column @book@.search_synonym.synonym is
'What else is looked for; as in a search, "or" stands between several.';
insert into @book@.search_synonym values
    ('payslip', 'payslip or "salary statement" or "wage slip"'),
    ('id', 'id or passport or "identity card"'),
    ('lien', 'lien or charge or mortgage'),
    ('lease', 'lease or tenancy or "rental agreement"'),
    ('guarantee', 'guarantee or surety'),
    ('salary', 'salary or wage or payroll');

-- The question in every language there is, for a document is of one; each with its synonyms.
create function @book@._search_query(query text) returns tsquery language sql stable as $$
    select ts_rewrite(websearch_to_tsquery('@book@.lending', query),
            'select to_tsquery(''@book@.lending'', term), websearch_to_tsquery(''@book@.lending'', synonym) from @book@.search_synonym')
        || ts_rewrite(websearch_to_tsquery('@book@.lending_en', query),
            'select to_tsquery(''@book@.lending_en'', term), websearch_to_tsquery(''@book@.lending_en'', synonym) from @book@.search_synonym')
        || websearch_to_tsquery('@book@.lending_de', query)
        || websearch_to_tsquery('@book@.lending_fr', query)
        || websearch_to_tsquery('@book@.lending_es', query)
$$;
comment on function @book@._search_query(text) is 'What a search asks of documents of any language.';

create function @book@.search_documents(
    query text, kinds text[] default null, party_id uuid default null, application_id uuid default null,
    loan_id uuid default null, most integer default 20
) returns table (document_id uuid, kind text, title text, url text, rank real, excerpt text)
language sql stable as $$
    with asked as (
        select @book@._search_query(query) as words
    ), found as (
        -- Excerpts are cut from the best alone: that takes longer than finding them.
        select d.id, d.kind, d.title, d.url, d.language, d.content, ts_rank_cd(d.search, a.words, 32) as rank, a.words
        from asked as a
        join @book@.document as d on d.search @@ a.words
        where (kinds is null or d.kind = any (kinds))
            and (num_nonnulls(party_id, application_id, loan_id) = 0 or exists (
                select
                from @book@.document_link as k
                where k.document_id = d.id and (k.party_id = search_documents.party_id
                    or k.application_id = search_documents.application_id or k.loan_id = search_documents.loan_id)))
        order by rank desc, d.id
        limit most
    )
    select f.id, f.kind, f.title, f.url, f.rank,
        ts_headline(
            case f.language when 'en' then '@book@.lending_en' when 'de' then '@book@.lending_de'
                when 'fr' then '@book@.lending_fr' when 'es' then '@book@.lending_es'
                else '@book@.lending' end::regconfig,
            coalesce(f.content, f.title), f.words, 'StartSel=«, StopSel=», MaxWords=20, MinWords=8, MaxFragments=1')
    from found as f
    order by f.rank desc, f.id
$$;
comment on function @book@.search_documents(text, text[], uuid, uuid, uuid, integer) is
'The documents that answer a search best ("…" for a phrase, or, - for without), of some kinds or of a party, an application or a loan if given, with a rank from 0 to 1 and an excerpt.';
