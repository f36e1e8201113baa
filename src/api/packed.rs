//! Loans in the short form: what a book keeps of each, and what the next operations bring.

use std::cell::RefCell;

use pgrx::Uuid;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use serde_json::Value;

use super::answer::{Told, answer};
use super::outlook::outlook;
use super::servicing::{LineRow, Shown, folded, line_row, read_operations, read_terms};
use crate::domain::loan::servicing::{Booking, Loan, ServicingError, Shapes, loan_at};
use crate::domain::loan::terms::Problem;
use crate::pg::{Day, Document, Num, One, OrRefuse};

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
    history jsonb default null,
    loan_id uuid default null,
    version integer default null,
    kind text default null,
    valid_on date default null,
    recorded_on date default null,
    payment_id uuid default null,
    hash bytea default null,
    latest_on date default null,
    legal_entity_id uuid default null,
    product_id uuid default null,
    currency text default null,
    status_before text default null,
    was_on_time boolean default null,
    charged_off_before date default null,
    receivable_through date default null,
    ended_through date default null,
    interest_before numeric default null,
    fees_before numeric default null,
    penalties_before numeric default null
) returns bytea language c volatile parallel safe cost 100
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
#[allow(clippy::too_many_arguments)]
fn _loan_serve(
    state: Option<&[u8]>,
    operations: Document,
    on_date: Day,
    terms: Option<Document>,
    history: Option<Document>,
    loan_id: Option<Uuid>,
    version: Option<i32>,
    kind: Option<&str>,
    valid_on: Option<Day>,
    recorded_on: Option<Day>,
    payment_id: Option<Uuid>,
    hash: Option<&[u8]>,
    latest_on: Option<Day>,
    legal_entity_id: Option<Uuid>,
    product_id: Option<Uuid>,
    currency: Option<&str>,
    status_before: Option<&str>,
    was_on_time: Option<bool>,
    charged_off_before: Option<Day>,
    receivable_through: Option<Day>,
    ended_through: Option<Day>,
    interest_before: Option<Num>,
    fees_before: Option<Num>,
    penalties_before: Option<Num>,
) -> Option<Vec<u8>> {
    let told = Told {
        loan_id,
        version,
        kind,
        valid_on,
        payment_id,
        hash,
        latest_on,
        legal_entity_id,
        product_id,
        currency,
        status_before,
        was_on_time,
        charged_off_before,
        receivable_through,
        ended_through,
        interest_before,
        fees_before,
        penalties_before,
    };
    let has_history = history.is_some();
    let loan = match (terms, history, state) {
        (Some(terms), Some(history), _) => folded(terms, history, None),
        (_, _, Some(state)) => unpacked(state),
        _ => Err(nothing_to_serve()).or_refuse(),
    };
    let is_one = recorded_on.is_some();
    let operations = read_operations(listed(operations, &told, recorded_on));
    match loan.apply_all(&operations) {
        Err(refusal) if !has_history && refusal.needs_history() => None,
        served => {
            let (loan, booking) = served.or_refuse();
            if is_one && !is_of(&booking, version) {
                return None;
            }
            Some(answer(&told, &loan, &booking, on_date).or_refuse())
        }
    }
}

/// Whether everything is of one operation.
fn is_of(booking: &Booking, version: Option<i32>) -> bool {
    let is_it = |operation: u32| i32::try_from(operation).ok() == version;
    booking.entries.iter().all(|one| is_it(one.operation))
        && booking.portions.iter().all(|one| is_it(one.operation))
}

/// Operations as a list: of one that is recorded on a day its head is told beside it.
fn listed(operations: Document, told: &Told<'_>, recorded_on: Option<Day>) -> Document {
    let Some(recorded_on) = recorded_on else { return operations };
    let Document(mut one) = operations;
    if let Value::Object(members) = &mut one {
        let head = [
            ("type", told.kind.map(str::to_owned)),
            ("on", told.valid_on.map(|day| day.0.to_string())),
            ("recorded_on", Some(recorded_on.0.to_string())),
            ("id", told.version.map(|version| version.to_string())),
        ];
        for (name, value) in head {
            members.extend(value.map(|value| (name.to_owned(), Value::String(value))));
        }
    }
    Document(Value::Array(vec![one]))
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
