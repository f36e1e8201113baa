//! The rows of each table that answers of the engine bring.

use pgrx::prelude::*;

use super::answer::{Entered, Field, Owed, Paid, all, rows};
use crate::pg::{Many, cell};

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function _served_transactions(served bytea) returns table (
    loan_id uuid,
    version integer,
    kind text,
    valid_on date,
    payment_id uuid,
    legal_entity_id uuid,
    operation integer,
    id uuid
) language c immutable parallel safe strict rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn _served_transactions(served: &[u8]) -> Many<'_> {
    rows(served, |answer, put| {
        let told = &answer.told;
        for one in all::<Entered>(answer.entries) {
            let one = one?;
            if one.position != 1 {
                continue;
            }
            put(&|row| {
                row.extend([
                    cell(told.loan_id),
                    cell(told.version),
                    cell(told.kind),
                    cell(told.valid_on),
                    cell(told.payment_id),
                    cell(told.legal_entity_id),
                    cell(one.operation),
                    cell(one.transaction),
                ])
            });
        }
        Some(())
    })
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function _served_entries(served bytea) returns table (
    legal_entity_id uuid,
    product_id uuid,
    currency text,
    transaction_id uuid,
    "position" integer,
    account text,
    amount numeric
) language c immutable parallel safe strict rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn _served_entries(served: &[u8]) -> Many<'_> {
    rows(served, |answer, put| {
        let told = &answer.told;
        for one in all::<Entered>(answer.entries) {
            let one = one?;
            put(&|row| {
                row.extend([
                    cell(told.legal_entity_id),
                    cell(told.product_id),
                    cell(told.currency),
                    cell(one.transaction),
                    cell(one.position),
                    cell(one.account),
                    cell(one.amount),
                ])
            });
        }
        Some(())
    })
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function _served_portions(served bytea) returns table (
    loan_id uuid,
    version integer,
    kind text,
    payment_id uuid,
    operation integer,
    transaction integer,
    instalment integer,
    due_date date,
    principal numeric,
    interest numeric,
    fees numeric,
    penalties numeric,
    held numeric,
    is_given_back boolean
) language c immutable parallel safe strict rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn _served_portions(served: &[u8]) -> Many<'_> {
    rows(served, |answer, put| {
        let told = &answer.told;
        for one in all::<Paid>(answer.portions) {
            let one = one?;
            put(&|row| {
                row.extend([
                    cell(told.loan_id),
                    cell(told.version),
                    cell(told.kind),
                    cell(told.payment_id),
                    cell(one.operation),
                    cell(one.transaction),
                    cell(one.instalment),
                    cell(one.due_date),
                    cell(one.principal),
                    cell(one.interest),
                    cell(one.fees),
                    cell(one.penalties),
                    cell(one.held),
                    cell(one.is_given_back),
                ])
            });
        }
        Some(())
    })
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function _served_states(served bytea) returns table (loan_id uuid, version integer, state bytea)
language c immutable parallel safe strict rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn _served_states(served: &[u8]) -> Many<'_> {
    rows(served, |answer, put| {
        put(&|row| {
            row.extend([cell(answer.told.loan_id), cell(answer.told.version), cell(answer.state)])
        });
        Some(())
    })
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function _served_lines(served bytea) returns table (
    loan_id uuid,
    through date,
    interest numeric,
    fees numeric,
    penalties numeric
) language c immutable parallel safe strict rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn _served_lines(served: &[u8]) -> Many<'_> {
    rows(served, |answer, put| {
        let told = &answer.told;
        let (since, through) = (told.receivable_through, told.ended_through);
        if since.zip(through).is_some_and(|(since, through)| since.0 < through.0) {
            put(&|row| {
                row.extend([
                    cell(told.loan_id),
                    cell(through),
                    cell(told.interest_before),
                    cell(told.fees_before),
                    cell(told.penalties_before),
                ])
            });
        }
        Some(())
    })
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function _served_balances(served bytea) returns table (
    loan_id uuid,
    version integer,
    hash bytea,
    latest_on date,
    status_before text,
    was_on_time boolean,
    charged_off_before date,
    receivable_through date,
    status text,
    principal numeric,
    interest numeric,
    fees numeric,
    penalties numeric,
    overpaid numeric,
    oldest_unpaid date,
    overdue numeric,
    overdue_principal numeric,
    next_due date,
    next_due_amount numeric,
    maturity date,
    earned_base numeric,
    earned_per_day numeric,
    holds_until date,
    charged_off_on date,
    fees_earned numeric,
    penalties_earned numeric,
    interest_settled numeric,
    fees_settled numeric,
    penalties_settled numeric,
    interest_receivable numeric,
    fee_receivable numeric,
    penalty_receivable numeric
) language c immutable parallel safe strict rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn _served_balances(served: &[u8]) -> Many<'_> {
    rows(served, |answer, put| {
        let told = &answer.told;
        let owed = Owed::read(&mut { answer.owed })?;
        put(&|row| {
            row.extend([
                cell(told.loan_id),
                cell(told.version),
                cell(told.hash),
                cell(told.latest_on),
                cell(told.status_before),
                cell(told.was_on_time),
                cell(told.charged_off_before),
                cell(told.ended_through),
                cell(owed.status),
                cell(owed.principal),
                cell(owed.interest),
                cell(owed.fees),
                cell(owed.penalties),
                cell(owed.overpaid),
                cell(owed.oldest_unpaid),
                cell(owed.overdue),
                cell(owed.overdue_principal),
                cell(owed.next_due),
                cell(owed.next_due_amount),
                cell(owed.maturity),
                cell(owed.earned_base),
                cell(owed.earned_per_day),
                cell(owed.holds_until),
                cell(owed.charged_off_on),
                cell(owed.fees_earned),
                cell(owed.penalties_earned),
                cell(owed.interest_settled),
                cell(owed.fees_settled),
                cell(owed.penalties_settled),
                cell(owed.interest_receivable),
                cell(owed.fee_receivable),
                cell(owed.penalty_receivable),
            ])
        });
        Some(())
    })
}
