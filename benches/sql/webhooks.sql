-- A burst of webhooks: 10,000 events of as many payments of 2,000 loans, in any order, some of them twice.
-- The baseline keeps the same bodies in a table with the same key and makes payments of them by hand.
create schema burst;
create function burst.hmac(key bytea, message bytea) returns bytea language plpgsql immutable as $$
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

copy (select 'secret') to program 'mkdir -p secrets && cat > secrets/burst';
insert into lending.webhook_provider (code, scheme, secret, mapping, legal_entity_id)
select 'burst', '{"signature": {"header": "signature"}}', 'burst', '{"event_id": "/id", "reference": "/data/id", "amount": "/data/amount",
    "amount_in": "minor_units", "currency": "/data/currency", "loan_no": "/data/loan", "occurred_at": "/at"}', id
from lending.legal_entity;

create table burst.event as
select n, b.body, jsonb_build_object('content-type', 'application/json', 'signature', encode(burst.hmac('secret', b.body), 'hex')) as headers
from generate_series(1, :events) as n
cross join lateral (
    select convert_to(format('{"id": "evt_%s", "at": "2024-01-02T%s:00:00Z", "data": {"id": "py_%s", "amount": 100, "currency": "eur", "loan": "%s"}}',
        n, lpad((n % 20)::text, 2, '0'), n, 1 + n % :loans), 'UTF8') as body
) as b;
analyze burst.event;
