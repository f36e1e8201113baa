//! Loans in the short form: what a book keeps of each, and what the next operations bring.

use std::cell::RefCell;

use pgrx::iter::TableIterator;
use pgrx::prelude::*;

use super::identity::uuid_v7;
use super::outlook::outlook;
use super::servicing::{LineRow, Shown, day, folded, line_row, read_operations, read_terms};
use crate::domain::loan::servicing::{
    Account, Entry, Loan, Portion, ServicingError, Shapes, loan_at,
};
use crate::domain::loan::terms::Problem;
use crate::pg::{Cell, Day, Document, Num, One, OrRefuse, cell};

thread_local! {
    /// What loans of the same product have in common, read once in a session.
    static SHAPES: RefCell<Shapes> = RefCell::default();
}

/// The loan of a state in its short form.
fn unpacked(state: &[u8]) -> Loan {
    SHAPES.with_borrow_mut(|shapes| Loan::unpack(state, shapes)).or_refuse()
}

fn packed(loan: &Loan) -> Vec<u8> {
    loan.pack().or_refuse()
}

#[pg_extern(immutable, parallel_safe)]
fn _loan_open(terms: Document) -> Vec<u8> {
    packed(&Loan::open(read_terms(terms)).or_refuse())
}

#[pg_extern(immutable, parallel_safe)]
fn _loan_fold(terms: Document, operations: Document) -> Vec<u8> {
    packed(&folded(terms, operations, None))
}

#[pg_extern(immutable, parallel_safe)]
fn _loan_at(
    terms: Document,
    operations: Document,
    valid_on: default!(Option<Day>, "NULL"),
    known_on: default!(Option<Day>, "NULL"),
) -> Vec<u8> {
    let (terms, operations) = (read_terms(terms), read_operations(operations));
    let (valid, known) = (valid_on.map(|day| day.0), known_on.map(|day| day.0));
    packed(&loan_at(terms, &operations, valid, known).or_refuse())
}

#[pg_extern(
    volatile,
    parallel_safe,
    sql = r#"
create function _loan_serve(
    state bytea,
    operations jsonb,
    on_date date,
    terms jsonb default null,
    history jsonb default null
) returns table (
    state_after bytea,
    interest_moved numeric,
    fees_moved numeric,
    penalties_moved numeric,
    posted integer[],
    posted_as uuid[],
    entry_of uuid[],
    entry_position integer[],
    entry_account text[],
    entry_amount numeric[],
    part_of integer[],
    part_transaction integer[],
    part_instalment integer[],
    part_due_date date[],
    part_principal numeric[],
    part_interest numeric[],
    part_fees numeric[],
    part_penalties numeric[],
    part_held numeric[],
    part_is_given_back boolean[],
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
) language c volatile parallel safe cost 10 rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn _loan_serve(
    state: Option<&[u8]>,
    operations: Document,
    on_date: Day,
    terms: Option<Document>,
    history: Option<Document>,
) -> One {
    let has_history = history.is_some();
    let loan = match (terms, history, state) {
        (Some(terms), Some(history), _) => folded(terms, history, None),
        (_, _, Some(state)) => unpacked(state),
        _ => Err(nothing_to_serve()).or_refuse(),
    };
    let (loan, booking) = match loan.apply_all(&read_operations(operations)) {
        Err(refusal) if !has_history && refusal.needs_history() => {
            return One(Vec::new());
        }
        served => served.or_refuse(),
    };
    let shown = Shown::of(&loan);
    let moved = |account| cell(shown.amount(booking.moved(account).or_refuse()));
    let mut cells = vec![
        cell(packed(&loan)),
        moved(Account::InterestReceivable),
        moved(Account::FeeReceivable),
        moved(Account::PenaltyReceivable),
    ];
    cells.extend(entry_cells(shown, &booking.entries));
    cells.extend(portion_cells(shown, &booking.portions));
    cells.extend(outlook(&loan, on_date));
    One(cells)
}

/// The rows of one column.
fn column<T, C: IntoDatum>(rows: &[T], of: impl Fn(&T) -> C) -> Cell {
    cell(rows.iter().map(of).collect::<Vec<C>>())
}

/// Entries, put together to transactions of a ledger: one for each operation.
fn entry_cells(shown: Shown, entries: &[Entry]) -> [Cell; 6] {
    let (mut operations, mut transactions) = (Vec::new(), Vec::new());
    let (mut entry_of, mut positions) = (Vec::new(), Vec::new());
    for of_one in entries.chunk_by(|one, next| one.operation == next.operation) {
        let transaction = uuid_v7();
        operations.extend(of_one.first().map(|one| one.operation as i32));
        transactions.push(transaction);
        entry_of.extend(of_one.iter().map(|_| transaction));
        positions.extend(1..=of_one.len() as i32);
    }
    [
        cell(operations),
        cell(transactions),
        cell(entry_of),
        cell(positions),
        column(entries, |one| one.account.name()),
        column(entries, |one| shown.amount(one.amount)),
    ]
}

fn portion_cells(shown: Shown, portions: &[Portion]) -> [Cell; 10] {
    [
        column(portions, |one| one.operation as i32),
        column(portions, |one| one.transaction as i32),
        column(portions, |one| one.line as i32),
        column(portions, |one| day(one.due_date)),
        column(portions, |one| shown.amount(one.amounts.principal)),
        column(portions, |one| shown.amount(one.amounts.interest)),
        column(portions, |one| shown.amount(one.amounts.fee)),
        column(portions, |one| shown.amount(one.amounts.penalty)),
        column(portions, |one| shown.amount(one.held)),
        column(portions, |one| one.is_given_back),
    ]
}

fn nothing_to_serve() -> ServicingError {
    let message = "missing; give it, or the terms and everything recorded before";
    ServicingError::Unreadable(Problem { path: "state".into(), message: message.into() })
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function _loan_outlook(state bytea, on_date date) returns table (
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
fn _loan_outlook(state: &[u8], on_date: Day) -> One {
    One(outlook(&unpacked(state), on_date))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn _loan_lines(
    state: &[u8],
) -> TableIterator<
    'static,
    (
        name!(instalment, i32),
        name!(kind, String),
        name!(period_start, Day),
        name!(due_date, Day),
        name!(principal, Num),
        name!(interest, Num),
        name!(fees, Num),
        name!(penalties, Num),
        name!(total, Num),
        name!(principal_paid, Num),
        name!(interest_paid, Num),
        name!(fees_paid, Num),
        name!(penalties_paid, Num),
        name!(total_paid, Num),
        name!(principal_waived, Num),
        name!(interest_waived, Num),
        name!(fees_waived, Num),
        name!(penalties_waived, Num),
        name!(total_waived, Num),
        name!(principal_written_off, Num),
        name!(interest_written_off, Num),
        name!(fees_written_off, Num),
        name!(penalties_written_off, Num),
        name!(total_written_off, Num),
        name!(principal_outstanding, Num),
        name!(interest_outstanding, Num),
        name!(fees_outstanding, Num),
        name!(penalties_outstanding, Num),
        name!(total_outstanding, Num),
        name!(settled_on, Option<Day>),
    ),
> {
    let loan = unpacked(state);
    let shown = Shown::of(&loan);
    let rows: Vec<LineRow> =
        loan.lines().iter().map(|line| line_row(shown, line.clone())).collect();
    TableIterator::new(rows)
}
