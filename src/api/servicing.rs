//! A loan's life: terms and operations folded into a state, and what can be asked of a state.

use chrono::NaiveDate;
use pgrx::JsonB;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use crate::domain::loan::servicing::{
    Amounts, Line, Loan, LoanTerms, Operation, ServicingError, loan_at,
};
use crate::domain::loan::terms::Problem;
use crate::pg::{Coded, Day, Document, Name, Num, OrRefuse};

impl Coded for ServicingError {
    fn code(&self) -> Option<&'static str> {
        self.code()
    }
}

pub(super) fn read_terms(terms: Document) -> LoanTerms {
    LoanTerms::from_json(terms.0)
        .map_err(|problem| ServicingError::Terms(vec![problem]))
        .or_refuse()
}

pub(super) fn read_operations(operations: Document) -> Vec<Operation> {
    Operation::list_from_json(operations.0).map_err(ServicingError::Unreadable).or_refuse()
}

pub(super) fn read_state(state: Document) -> Loan {
    Loan::restore(state.0).or_refuse()
}

pub(super) fn folded(terms: Document, operations: Document, as_of: Option<Day>) -> Loan {
    let (terms, operations) = (read_terms(terms), read_operations(operations));
    loan_at(terms, &operations, as_of.map(|day| day.0), None).or_refuse()
}

pub(super) fn saved(loan: &Loan) -> JsonB {
    JsonB(loan.save().or_refuse())
}

pub(super) fn day(on: Option<NaiveDate>) -> Option<Day> {
    on.map(Day)
}

/// The name of a value in the JSON form.
pub(super) fn name(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// Amounts as they are shown: with the decimals of the currency at least.
#[derive(Clone, Copy)]
pub(super) struct Shown(u32);

impl Shown {
    pub(super) fn of(loan: &Loan) -> Self {
        Self(loan.terms().schedule.rounding.minor_units)
    }

    pub(super) fn amount(self, mut amount: Decimal) -> Num {
        amount.rescale(amount.scale().max(self.0));
        Num(amount)
    }

    pub(super) fn total(self, amounts: &Amounts) -> Num {
        self.amount(amounts.total().map_err(ServicingError::from).or_refuse())
    }
}

#[pg_extern(immutable, parallel_safe)]
fn check_terms(
    terms: Document,
) -> TableIterator<'static, (name!(path, String), name!(problem, String))> {
    let problems = LoanTerms::problems(terms.0);
    TableIterator::new(problems.into_iter().map(|Problem { path, message }| (path, message)))
}

#[pg_extern(immutable, parallel_safe)]
fn fold(terms: Document, operations: Document, as_of: default!(Option<Day>, "NULL")) -> JsonB {
    saved(&folded(terms, operations, as_of))
}

#[pg_extern(immutable, parallel_safe)]
fn apply(state: Document, operation: Document) -> JsonB {
    let loan = read_state(state);
    let operation =
        Operation::from_json(operation.0).map_err(ServicingError::Unreadable).or_refuse();
    saved(&loan.apply(&operation).or_refuse())
}

#[pg_extern(immutable, parallel_safe, name = "loan_at")]
fn loan_known_at(
    terms: Document,
    operations: Document,
    valid_on: default!(Option<Day>, "NULL"),
    known_on: default!(Option<Day>, "NULL"),
) -> JsonB {
    let (terms, operations) = (read_terms(terms), read_operations(operations));
    let (valid, known) = (valid_on.map(|day| day.0), known_on.map(|day| day.0));
    saved(&loan_at(terms, &operations, valid, known).or_refuse())
}

#[pg_extern(immutable, parallel_safe)]
fn fold_difference(earlier: Document, later: Document) -> JsonB {
    let difference = read_state(later).difference_from(&read_state(earlier));
    let form = serde_json::to_value(difference).map_err(|error| {
        let (path, message) = ("difference".into(), error.to_string());
        ServicingError::Unreadable(Problem { path, message })
    });
    JsonB(form.or_refuse())
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn payoff_quote(
    state: Document,
    on_date: Day,
) -> TableIterator<
    'static,
    (
        name!(principal, Num),
        name!(interest, Num),
        name!(fees, Num),
        name!(penalties, Num),
        name!(total, Num),
        name!(good_through, Option<Day>),
        name!(per_day, Num),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    let quote = loan.payoff_quote(on_date.0).or_refuse();
    TableIterator::once((
        shown.amount(quote.amounts.principal),
        shown.amount(quote.amounts.interest),
        shown.amount(quote.amounts.fee),
        shown.amount(quote.amounts.penalty),
        shown.amount(quote.total),
        day(quote.good_through),
        shown.amount(quote.per_day),
    ))
}

#[pg_extern(immutable, parallel_safe)]
fn accrued_interest(
    state: Document,
    on_date: Day,
) -> TableIterator<'static, (name!(earned, Num), name!(recognised, Num), name!(unrecognised, Num))>
{
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    let found = loan.accrued_interest(on_date.0).or_refuse();
    TableIterator::once((
        shown.amount(found.earned),
        shown.amount(found.recognised),
        shown.amount(found.unrecognised),
    ))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn delinquency(
    state: Document,
    on_date: Day,
) -> TableIterator<
    'static,
    (
        name!(days_past_due, i32),
        name!(oldest_unpaid, Option<Day>),
        name!(delinquent_since, Option<Day>),
        name!(delinquent_days, i32),
        name!(principal, Num),
        name!(interest, Num),
        name!(fees, Num),
        name!(penalties, Num),
        name!(overdue, Num),
        name!(bucket, Option<String>),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    let found = loan.delinquency(on_date.0).or_refuse();
    TableIterator::once((
        found.days_past_due as i32,
        day(found.oldest_unpaid),
        day(found.delinquent_since),
        found.delinquent_days as i32,
        shown.amount(found.overdue.principal),
        shown.amount(found.overdue.interest),
        shown.amount(found.overdue.fee),
        shown.amount(found.overdue.penalty),
        shown.amount(found.overdue_total),
        found.bucket,
    ))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn delinquent_instalments(
    state: Document,
    on_date: Day,
) -> TableIterator<
    'static,
    (
        name!(instalment, i32),
        name!(due_date, Day),
        name!(delinquent_since, Day),
        name!(delinquent_days, i32),
        name!(overdue, Num),
        name!(bucket, Option<String>),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    let found = loan.delinquency(on_date.0).or_refuse();
    TableIterator::new(found.instalments.into_iter().map(move |one| {
        (
            one.line as i32,
            Day(one.due_date),
            Day(one.delinquent_since),
            one.delinquent_days as i32,
            shown.amount(one.overdue),
            one.bucket,
        )
    }))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn explain(
    state: Document,
    path: Name<'_>,
) -> TableIterator<
    'static,
    (
        name!(amount, Num),
        name!(what, String),
        name!(on_date, Option<Day>),
        name!(operation, Option<i32>),
        name!(transaction, Option<i32>),
        name!(instalment, Option<i32>),
        name!(explained_by, Option<String>),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    let found = loan.explain(path.0).or_refuse();
    let number = |number: Option<u32>| number.map(|number| number as i32);
    TableIterator::new(found.parts.into_iter().map(move |part| {
        (
            shown.amount(part.amount),
            part.what,
            day(part.on),
            number(part.operation),
            number(part.transaction),
            number(part.line),
            part.path,
        )
    }))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn fold_balances(
    state: Document,
) -> TableIterator<
    'static,
    (
        name!(status, &'static str),
        name!(principal, Num),
        name!(interest, Num),
        name!(fees, Num),
        name!(penalties, Num),
        name!(outstanding, Num),
        name!(overpaid, Num),
        name!(maturity, Option<Day>),
        name!(closed_on, Option<Day>),
        name!(charged_off_on, Option<Day>),
        name!(recorded, i32),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    let owed = loan.outstanding().map_err(ServicingError::from).or_refuse();
    TableIterator::once((
        loan.status().name(),
        shown.amount(owed.principal),
        shown.amount(owed.interest),
        shown.amount(owed.fee),
        shown.amount(owed.penalty),
        shown.total(&owed),
        shown.amount(loan.overpaid()),
        day(loan.maturity()),
        day(loan.closed_on()),
        day(loan.charged_off_on()),
        loan.operations().len() as i32,
    ))
}

/// A line of a schedule as it is shown.
pub(super) type LineRow = (
    i32,
    String,
    Day,
    Day,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Num,
    Option<Day>,
);

/// One line, with what is due and what became of it.
pub(super) fn line_row(shown: Shown, line: Line) -> LineRow {
    let owed = line.outstanding().map_err(ServicingError::from).or_refuse();
    let Line { charged, paid, waived, written_off, .. } = line;
    (
        line.number as i32,
        name(line.kind),
        Day(line.period_start),
        Day(line.due_date),
        shown.amount(charged.principal),
        shown.amount(charged.interest),
        shown.amount(charged.fee),
        shown.amount(charged.penalty),
        shown.total(&charged),
        shown.amount(paid.principal),
        shown.amount(paid.interest),
        shown.amount(paid.fee),
        shown.amount(paid.penalty),
        shown.total(&paid),
        shown.amount(waived.principal),
        shown.amount(waived.interest),
        shown.amount(waived.fee),
        shown.amount(waived.penalty),
        shown.total(&waived),
        shown.amount(written_off.principal),
        shown.amount(written_off.interest),
        shown.amount(written_off.fee),
        shown.amount(written_off.penalty),
        shown.total(&written_off),
        shown.amount(owed.principal),
        shown.amount(owed.interest),
        shown.amount(owed.fee),
        shown.amount(owed.penalty),
        shown.total(&owed),
        day(line.settled_on),
    )
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn fold_schedule(
    state: Document,
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
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    TableIterator::new(loan.lines().to_vec().into_iter().map(move |line| line_row(shown, line)))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn fold_transactions(
    state: Document,
) -> TableIterator<
    'static,
    (
        name!(transaction, i32),
        name!(operation, i32),
        name!(kind, String),
        name!(on_date, Day),
        name!(recorded_on, Day),
        name!(amount, Num),
        name!(principal, Num),
        name!(interest, Num),
        name!(fees, Num),
        name!(penalties, Num),
        name!(overpaid, Num),
        name!(principal_balance, Num),
        name!(refers_to, Option<i32>),
        name!(replaces, Option<i32>),
        name!(reversed_on, Option<Day>),
        name!(reversed_by, Option<i32>),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    let number = |number: Option<u32>| number.map(|number| number as i32);
    TableIterator::new(loan.transactions().to_vec().into_iter().map(move |one| {
        (
            one.id as i32,
            one.sequence as i32,
            name(one.kind),
            Day(one.on),
            Day(one.recorded_on),
            shown.amount(one.amount),
            shown.amount(one.portions.principal),
            shown.amount(one.portions.interest),
            shown.amount(one.portions.fee),
            shown.amount(one.portions.penalty),
            shown.amount(one.overpaid),
            shown.amount(one.balance),
            number(one.of),
            number(one.replaces),
            day(one.reversed.map(|by| by.recorded_on)),
            number(one.reversed.map(|by| by.sequence)),
        )
    }))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn fold_allocations(
    state: Document,
) -> TableIterator<
    'static,
    (
        name!(transaction, i32),
        name!(instalment, i32),
        name!(due_date, Day),
        name!(principal, Num),
        name!(interest, Num),
        name!(fees, Num),
        name!(penalties, Num),
        name!(total, Num),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    let standing = loan.transactions().iter().filter(|one| one.stands());
    let parts = standing.flat_map(|one| one.allocations.iter().map(|part| (one.id, *part)));
    TableIterator::new(parts.collect::<Vec<_>>().into_iter().map(move |(id, part)| {
        (
            id as i32,
            part.line as i32,
            Day(part.due_date),
            shown.amount(part.amounts.principal),
            shown.amount(part.amounts.interest),
            shown.amount(part.amounts.fee),
            shown.amount(part.amounts.penalty),
            shown.total(&part.amounts),
        )
    }))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn fold_charges(
    state: Document,
) -> TableIterator<
    'static,
    (
        name!(charge, String),
        name!(name, String),
        name!(is_penalty, bool),
        name!(timing, String),
        name!(due_on, Option<Day>),
        name!(amount, Num),
        name!(paid, Num),
        name!(waived, Num),
        name!(written_off, Num),
        name!(outstanding, Num),
        name!(is_active, bool),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    TableIterator::new(loan.charges().to_vec().into_iter().map(move |one| {
        let owed = one.outstanding().map_err(ServicingError::from).or_refuse();
        (
            one.id,
            one.name,
            one.penalty,
            name(one.timing),
            day(one.due_on),
            shown.amount(one.amount),
            shown.amount(one.paid),
            shown.amount(one.waived),
            shown.amount(one.written_off),
            shown.amount(owed),
            one.active,
        )
    }))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn fold_journal(
    state: Document,
) -> TableIterator<
    'static,
    (
        name!(entry, i32),
        name!(transaction, i32),
        name!(on_date, Day),
        name!(account, String),
        name!(debit, Num),
        name!(credit, Num),
    ),
> {
    let loan = read_state(state);
    let shown = Shown::of(&loan);
    TableIterator::new((1..).zip(loan.journal().to_vec()).map(move |(entry, one)| {
        (
            entry,
            one.transaction as i32,
            Day(one.on),
            name(one.account),
            shown.amount(one.debit),
            shown.amount(one.credit),
        )
    }))
}
