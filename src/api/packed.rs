//! Loans in the short form: what a book keeps of each, and what the next operations bring.

use std::cell::RefCell;

use pgrx::iter::TableIterator;
use pgrx::prelude::*;

use super::servicing::{LineRow, Shown, day, folded, line_row, name, read_operations, read_terms};
use crate::domain::loan::servicing::{
    Amounts, Facts, Loan, Operation, ServicingError, Shapes, Transaction, loan_at,
};
use crate::domain::loan::terms::Problem;
use crate::pg::{Day, Document, Num, OrRefuse};

thread_local! {
    /// What loans of the same product have in common, read once in a session.
    static SHAPES: RefCell<Shapes> = RefCell::default();
}

/// The loan of a state in its short form.
pub(super) fn unpacked(state: &[u8]) -> Loan {
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

#[pg_extern(immutable, parallel_safe)]
fn _loan_needs_history(state: &[u8], operations: Document) -> bool {
    let mut loan = unpacked(state);
    let operations = read_operations(operations);
    let Some((last, earlier)) = operations.split_last() else { return false };
    for operation in earlier {
        match loan.apply(operation) {
            Ok(next) => loan = next,
            Err(refusal) => return refusal == ServicingError::NeedsHistory,
        }
    }
    loan.needs_history(last)
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn _loan_serve(
    state: Option<&[u8]>,
    operations: Document,
    terms: default!(Option<Document>, "NULL"),
    history: default!(Option<Document>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(fact, &'static str),
        name!(operation, i32),
        name!(transaction, Option<i32>),
        name!(kind, Option<String>),
        name!(on_date, Option<Day>),
        name!(instalment, Option<i32>),
        name!(due_date, Option<Day>),
        name!(amount, Option<Num>),
        name!(principal, Option<Num>),
        name!(interest, Option<Num>),
        name!(fees, Option<Num>),
        name!(penalties, Option<Num>),
        name!(overpayment, Option<Num>),
        name!(replaces, Option<i32>),
        name!(state, Option<Vec<u8>>),
    ),
> {
    let has_history = history.is_some();
    let loan = match (terms, history, state) {
        (Some(terms), Some(history), _) => folded(terms, history, None),
        (_, _, Some(state)) => unpacked(state),
        _ => Err(nothing_to_serve()).or_refuse(),
    };
    let shown = Shown::of(&loan);
    let rows = match served(loan, &read_operations(operations)) {
        Err(refusal) if !has_history && refusal.needs_history() => {
            vec![Row::of(shown, "history", 0)]
        }
        told => told.or_refuse(),
    };
    TableIterator::new(rows.into_iter().map(Row::cells))
}

fn nothing_to_serve() -> ServicingError {
    let message = "missing; give it, or the terms and everything recorded before";
    ServicingError::Unreadable(Problem { path: "state".into(), message: message.into() })
}

/// One fact; what it has not is NULL.
struct Row {
    shown: Shown,
    fact: &'static str,
    operation: u32,
    transaction: Option<u32>,
    kind: Option<String>,
    on: Option<Day>,
    instalment: Option<u32>,
    due: Option<Day>,
    amount: Option<Num>,
    portions: Option<Amounts>,
    overpayment: Option<Num>,
    replaces: Option<u32>,
    state: Option<Vec<u8>>,
}

type Cells = (
    &'static str,
    i32,
    Option<i32>,
    Option<String>,
    Option<Day>,
    Option<i32>,
    Option<Day>,
    Option<Num>,
    Option<Num>,
    Option<Num>,
    Option<Num>,
    Option<Num>,
    Option<Num>,
    Option<i32>,
    Option<Vec<u8>>,
);

impl Row {
    fn of(shown: Shown, fact: &'static str, operation: u32) -> Self {
        Self {
            shown,
            fact,
            operation,
            transaction: None,
            kind: None,
            on: None,
            instalment: None,
            due: None,
            amount: None,
            portions: None,
            overpayment: None,
            replaces: None,
            state: None,
        }
    }

    fn cells(self) -> Cells {
        let number = |number: Option<u32>| number.map(|number| number as i32);
        let portion = |of: fn(&Amounts) -> rust_decimal::Decimal| {
            self.portions.as_ref().map(|portions| self.shown.amount(of(portions)))
        };
        let (principal, interest) = (portion(|all| all.principal), portion(|all| all.interest));
        let (fees, penalties) = (portion(|all| all.fee), portion(|all| all.penalty));
        (
            self.fact,
            self.operation as i32,
            number(self.transaction),
            self.kind,
            self.on,
            number(self.instalment),
            self.due,
            self.amount,
            principal,
            interest,
            fees,
            penalties,
            self.overpayment,
            number(self.replaces),
            self.state,
        )
    }
}

/// Applies operations one after the other and tells what each brought, and the state in the end.
fn served(mut loan: Loan, operations: &[Operation]) -> Result<Vec<Row>, ServicingError> {
    let shown = Shown::of(&loan);
    let mut rows = Vec::with_capacity(8);
    for (at, operation) in operations.iter().enumerate() {
        let mark = loan.mark();
        let in_list = |why| ServicingError::InList { at, why: Box::new(why) };
        loan = loan.apply(operation).map_err(in_list)?;
        tell(&mut rows, shown, loan.recorded(), loan.facts_since(&mark)?);
    }
    let owed = loan.outstanding()?;
    rows.push(Row {
        kind: Some(loan.status().name().into()),
        amount: Some(shown.amount(owed.total()?)),
        portions: Some(owed),
        overpayment: Some(shown.amount(loan.overpaid())),
        state: Some(loan.pack()?),
        ..Row::of(shown, "state", loan.recorded())
    });
    Ok(rows)
}

fn tell(rows: &mut Vec<Row>, shown: Shown, operation: u32, facts: Facts) {
    // What is made anew belongs to the operation it came of, whichever brought it about.
    let cause = |id: u32| {
        let mut known = facts.made.iter().chain(&facts.reversed);
        known.find(|one| one.id == id).map_or(operation, |one| one.sequence)
    };
    let moved = |fact, one: &Transaction| Row {
        transaction: Some(one.id),
        kind: Some(name(one.kind)),
        on: Some(Day(one.on)),
        amount: Some(shown.amount(one.amount)),
        portions: Some(one.portions),
        overpayment: Some(shown.amount(one.overpaid)),
        replaces: one.replaces,
        ..Row::of(shown, fact, one.sequence)
    };
    rows.extend(facts.charges.iter().map(|one| Row {
        kind: Some(one.name.clone()),
        on: day(one.due_on),
        amount: Some(shown.amount(one.amount)),
        ..Row::of(shown, "charge", operation)
    }));
    rows.extend(facts.made.iter().map(|one| moved("transaction", one)));
    rows.extend(facts.reversed.iter().map(|one| moved("reversal", one)));
    rows.extend(facts.allocations.iter().map(|(id, part)| Row {
        transaction: Some(*id),
        instalment: Some(part.line),
        due: Some(Day(part.due_date)),
        amount: Some(shown.total(&part.amounts)),
        portions: Some(part.amounts),
        ..Row::of(shown, "allocation", cause(*id))
    }));
    rows.extend(facts.posted.iter().map(|one| {
        let amount = if one.debit.is_zero() { -one.credit } else { one.debit };
        Row {
            transaction: Some(one.transaction),
            kind: Some(name(one.account)),
            on: Some(Day(one.on)),
            amount: Some(shown.amount(amount)),
            ..Row::of(shown, "movement", cause(one.transaction))
        }
    }));
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
