//! What a loan looks like at the end of a day.

use pgrx::prelude::*;

use super::servicing::{Shown, day, read_state};
use crate::domain::loan::servicing::Loan;
use crate::pg::{Cell, Day, Document, One, OrRefuse, cell};

/// What is told of a loan, in the order of the columns.
pub(super) fn outlook(loan: &Loan, on: Day) -> Vec<Cell> {
    let shown = Shown::of(loan);
    let found = loan.outlook(on.0).or_refuse();
    let amount = |amount| cell(shown.amount(amount));
    vec![
        cell(found.status.name()),
        amount(found.outstanding.principal),
        amount(found.outstanding.interest),
        amount(found.outstanding.fee),
        amount(found.outstanding.penalty),
        cell(shown.total(&found.outstanding)),
        amount(found.overpaid),
        cell(day(found.maturity)),
        cell(day(found.closed_on)),
        cell(day(found.charged_off_on)),
        cell(found.days_past_due() as i32),
        cell(day(found.oldest_unpaid)),
        amount(found.overdue),
        amount(found.overdue_principal),
        cell(day(found.next_due)),
        amount(found.next_due_amount),
        amount(found.earned.interest),
        amount(found.earned.fee),
        amount(found.earned.penalty),
        amount(found.settled.interest),
        amount(found.settled.fee),
        amount(found.settled.penalty),
        amount(found.base),
        amount(found.per_day),
        cell(day(found.until)),
        cell(found.needs_end_of_day),
    ]
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function loan_outlook(state jsonb, on_date date) returns table (
    status text,
    principal numeric,
    interest numeric,
    fees numeric,
    penalties numeric,
    outstanding numeric,
    overpaid numeric,
    maturity date,
    closed_on date,
    charged_off_on date,
    days_past_due integer,
    oldest_unpaid date,
    overdue numeric,
    overdue_principal numeric,
    next_due date,
    next_due_amount numeric,
    interest_earned numeric,
    fees_earned numeric,
    penalties_earned numeric,
    interest_settled numeric,
    fees_settled numeric,
    penalties_settled numeric,
    earned_base numeric,
    earned_per_day numeric,
    holds_until date,
    needs_end_of_day boolean
) language c immutable parallel safe strict cost 10 rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn loan_outlook(state: Document, on_date: Day) -> One {
    One(outlook(&read_state(state), on_date))
}
