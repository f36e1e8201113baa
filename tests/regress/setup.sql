-- Helpers of the tests, beside the extension and not in it.
create schema test;

-- How a statement is refused: one row with what the caller sees, or none if it is accepted.
create function test.refusal(statement text)
returns table (code text, message text, detail text, hint text)
language plpgsql as $$
begin
    execute statement;
exception when others then
    get stacked diagnostics
        code = returned_sqlstate,
        message = message_text,
        detail = pg_exception_detail,
        hint = pg_exception_hint;
    return next;
end
$$;
