-- Webhooks: what is proved is kept, read by a mapping, and posted once, in the order in which it happened.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02') \g /dev/null
set search_path = lending, public;
select add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') \g /dev/null
insert into product (legal_entity_id, code, name) select id, 'PLAIN', 'Loan' from legal_entity;
insert into product_version (product_id, version, validity, currency, terms)
select id, 1, '[2020-01-01,)', 'EUR', '{"annual_rate": 0}' from product;
insert into party (legal_entity_id, party_no, kind, name) select id, n::text, 'individual', 'P' || n from legal_entity, generate_series(1, 3) as n;
select agree_loans((
    select jsonb_agg(jsonb_build_object('product_code', 'PLAIN', 'borrower_id', p.id, 'loan_no', 'L' || p.party_no,
        'terms', '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-02"}'::jsonb) order by p.party_no)
    from party as p)) \g /dev/null
select disburse_loans(array(select id from loan order by id)) \g /dev/null
call run_end_of_day('2024-01-30');

-- Secrets are files that the server reads.
copy (select 'secret of the card') to program 'mkdir -p secrets && cat > secrets/card';
copy (select unnest(array['# one that was replaced', 'whsec_b2xk', 'whsec_bmV3'])) to program 'cat > secrets/standard';
select set_config('loan_engine.fetch_credentials', current_setting('data_directory') || '/secrets', false) \g /dev/null

-- HMAC by RFC 2104, to sign with.
create function test.hmac(key bytea, message bytea) returns bytea language plpgsql immutable as $$
declare
    inner_pad bytea := decode(repeat('36', 64), 'hex');
    outer_pad bytea := decode(repeat('5c', 64), 'hex');
begin
    for i in 0 .. length(key) - 1 loop
        inner_pad := set_byte(inner_pad, i, get_byte(inner_pad, i) # get_byte(key, i));
        outer_pad := set_byte(outer_pad, i, get_byte(outer_pad, i) # get_byte(key, i));
    end loop;
    return sha256(outer_pad || sha256(inner_pad || message));
end $$;
select test.hmac('Jefe', 'what do ya want for nothing?') = '\x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843' as rfc_4231;

-- What proves nothing is no provider.
insert into webhook_provider values ('bad', '{"signature": {"header": "x"}, "signed": "{timestamp}"}', 'card', '{"reference": "/id", "amount": "/a"}');
insert into webhook_provider values ('bad', '{"signature": {"header": "x"}}', 'card', '{"reference": "id", "amount": "/a"}');
insert into webhook_provider values ('bad', '{"signature": {"header": "x"}}', '../card', '{"reference": "/id", "amount": "/a"}');

insert into webhook_provider (code, scheme, secret, mapping, event_header, legal_entity_id)
select 'card', '{"signature": {"header": "Card-Signature", "split": ",", "before": "v1="},
        "timestamp": {"header": "Card-Signature", "split": ",", "before": "t="}, "signed": "{timestamp}.{body}"}'::jsonb, 'card',
    '{"event_id": "/id", "type": "/type", "only": ["payment.succeeded"], "reference": "/data/id", "amount": "/data/amount",
        "amount_in": "minor_units", "currency": "/data/currency", "loan_no": "/data/loan", "occurred_at": "/created",
        "time": "epoch_seconds"}'::jsonb, null, id
from legal_entity
union all
select 'standard', '{"encoding": "base64", "secret_encoding": "base64", "secret_prefix": "whsec_",
        "signature": {"header": "webhook-signature", "split": " ", "before": "v1,"}, "timestamp": {"header": "webhook-timestamp"},
        "signed": "{header:webhook-id}.{timestamp}.{body}"}', 'standard',
    '{"payments": "/payments", "reference": "/ref", "amount": "/amount", "loan_no": "/loan", "occurred_at": {"root": "/at"}}',
    'Webhook-Id', null
from legal_entity;

create function test.card(body text, at bigint default 1706659200, secret text default 'secret of the card') returns jsonb
    language sql immutable as $$
    select jsonb_build_object('content-type', 'application/json', 'card-signature', format('t=%s,v0=00,v1=%s', at,
        encode(test.hmac(convert_to(secret, 'UTF8'), convert_to(format('%s.%s', at, body), 'UTF8')), 'hex')))
$$;
create function test.paid(id text, loan text, cents integer, created bigint default 1706659200, type text default 'payment.succeeded') returns text
    language sql immutable as $$
    select format('{"id": "evt_%s", "type": "%s", "created": %s, "data": {"id": "py_%s", "amount": %s, "currency": "eur", "loan": "%s"}}',
        id, type, created, id, cents, loan)
$$;
create function test.receive(body text, headers jsonb default null, at timestamptz default '2024-01-31 00:01+00') returns text
    language sql as $$
    select lending.receive_webhook('card', coalesce(headers, test.card(body)), convert_to(body, 'UTF8'), at)
$$;

-- Who is who.
select test.receive(test.paid('1', 'L1', 10050));
select test.receive(test.paid('1', 'L1', 10050));
select test.receive(test.paid('2', 'L1', 100), test.card(test.paid('2', 'L1', 999)));
select test.receive(test.paid('2', 'L1', 100), test.card(test.paid('2', 'L1', 100), secret => 'guess'));
select test.receive(test.paid('2', 'L1', 100), '{}');
select test.receive(test.paid('2', 'L1', 100), at => '2024-01-31 01:00+00');
select receive_webhook('nobody', '{}', '');
select count(*) from webhook_event;
begin;
set local loan_engine.fetch_credentials = '';
select test.receive(test.paid('2', 'L1', 100));
rollback;

-- Many at once: in any order, some twice, one forged, one of no payment, one that is no JSON.
select r.place, r.event_id, r.outcome, r.reason
from (
    select array_agg(test.card(b.body) || case b.body when test.paid('9', 'L1', 1) then '{"card-signature": "t=1706659200,v1=00"}' else '{}' end::jsonb
            order by place) as headers, array_agg(convert_to(b.body, 'UTF8') order by place) as bodies
    from unnest(array[test.paid('3', 'L2', 2000, 1706659300), test.paid('4', 'L2', 1000, 1706659100), test.paid('3', 'L2', 2000, 1706659300),
        test.paid('9', 'L1', 1), test.paid('5', 'L2', 1, type => 'payment.failed'), test.paid('6', 'none', 700), 'not json',
        test.paid('7', 'L1', 10050)]) with ordinality as b (body, place)
) as d
cross join lateral receive_webhooks('card', d.headers, d.bodies, '2024-01-31 00:01+00') as r;
select receive_webhook('standard', jsonb_build_object('Webhook-Id', 'msg_1', 'Webhook-Timestamp', '1706659200', 'Webhook-Signature',
        'v1,AAAA v1,' || encode(test.hmac('new', convert_to('msg_1.1706659200.' || body, 'UTF8')), 'base64')),
    convert_to(body, 'UTF8'), '2024-01-31 00:00+00')
from (values ('{"at": "2024-01-30", "payments": [{"ref": "a", "amount": "30.5", "loan": "L3"}, {"ref": "b", "amount": 12, "loan": "L3"}]}')) as b (body);

select * from post_webhooks();
select * from post_webhooks();
select provider, event_id like 'evt%' as is_named, status, payments, fault from webhook_event order by id;
select p.provider, p.reference, p.loan_no, p.amount, p.value_date, p.channel, u.reason
from payment as p left join unmatched_payment as u on u.payment_id = p.id
order by p.id;
-- What happened first is recorded first.
select l.loan_no, e.version, e.valid_on, e.operation ->> 'amount' as amount
from loan_event as e join loan as l on l.id = e.loan_id where e.type = 'repay' and l.loan_no = 'L2' order by e.version;

-- A mapping that is mended; what is known stays what it is.
update webhook_provider set mapping = mapping - 'only' where code = 'card';
select replay_webhooks('card');
select replay_webhooks('card', event_id => 'evt_1', with_read => true);
select * from post_webhooks();
select provider, status, events, payments, example from v_webhook order by 1, 2;

-- What was told stays.
update webhook_event set body = '';
delete from webhook_event;
select check_name, faults, example from check_book() where faults > 0;

reset search_path;
select loan_engine.drop_book('lending', with_postings => true) \g /dev/null
