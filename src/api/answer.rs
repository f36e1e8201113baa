//! What operations bring to a book, from the engine to its tables.
//!
//! The engine is asked loan by loan, tables are written many rows at a time. What it answers is one
//! value of bytes a loan; put one behind the other, these are read again as the rows of each table. So a
//! statement that writes a table carries nothing but its columns, however many loans there are.

use pgrx::Uuid;
use rust_decimal::Decimal;

use super::identity::uuid_v7;
use super::servicing::{Shown, day};
use crate::domain::decimal::add;
use crate::domain::loan::servicing::{Account, Booking, Loan, ServicingError};
use crate::domain::loan::terms::Problem;
use crate::pg::{Day, Many, Num, OrRefuse, Put};

/// A value among the bytes of an answer.
pub(super) trait Field<'a>: Sized {
    fn write(&self, bytes: &mut Vec<u8>);
    /// Takes the value off the front; `None` if it is not there.
    fn read(rest: &mut &'a [u8]) -> Option<Self>;
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

impl Field<'_> for i32 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_ne_bytes());
    }
    fn read(rest: &mut &[u8]) -> Option<Self> {
        take_array(rest).map(Self::from_ne_bytes)
    }
}

impl Field<'_> for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(*self));
    }
    fn read(rest: &mut &[u8]) -> Option<Self> {
        take_array::<1>(rest).map(|[byte]| byte != 0)
    }
}

impl Field<'_> for Day {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.number().write(bytes);
    }
    fn read(rest: &mut &[u8]) -> Option<Self> {
        Self::from_number(i32::read(rest)?).ok()
    }
}

impl Field<'_> for Uuid {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.as_bytes());
    }
    fn read(rest: &mut &[u8]) -> Option<Self> {
        take_array(rest).map(Self::from_bytes)
    }
}

impl Field<'_> for Num {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.0.scale() as u8);
        bytes.extend(self.0.mantissa().to_ne_bytes());
    }
    fn read(rest: &mut &[u8]) -> Option<Self> {
        let [scale] = take_array(rest)?;
        let digits = take_array(rest).map(i128::from_ne_bytes)?;
        Decimal::try_from_i128_with_scale(digits, scale.into()).ok().map(Num)
    }
}

impl<'a> Field<'a> for &'a [u8] {
    fn write(&self, bytes: &mut Vec<u8>) {
        (self.len() as i32).write(bytes);
        bytes.extend_from_slice(self);
    }
    fn read(rest: &mut &'a [u8]) -> Option<Self> {
        let count = usize::try_from(i32::read(rest)?).ok()?;
        take(rest, count)
    }
}

impl<'a> Field<'a> for &'a str {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.as_bytes().write(bytes);
    }
    fn read(rest: &mut &'a [u8]) -> Option<Self> {
        std::str::from_utf8(<&[u8]>::read(rest)?).ok()
    }
}

impl<'a, T: Field<'a>> Field<'a> for Option<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.is_some().write(bytes);
        if let Some(value) = self {
            value.write(bytes);
        }
    }
    fn read(rest: &mut &'a [u8]) -> Option<Self> {
        if bool::read(rest)? { T::read(rest).map(Some) } else { Some(None) }
    }
}

/// Values that stand together, in order.
macro_rules! fields {
    ($(#[$about:meta])* struct $name:ident<$life:lifetime> { $($field:ident: $type:ty,)* }) => {
        $(#[$about])*
        pub(super) struct $name<$life> { $(pub(super) $field: $type,)* }

        impl<$life> Field<$life> for $name<$life> {
            fn write(&self, bytes: &mut Vec<u8>) {
                $(self.$field.write(bytes);)*
            }
            fn read(rest: &mut &$life [u8]) -> Option<Self> {
                Some(Self { $($field: Field::read(rest)?,)* })
            }
        }
    };
    ($(#[$about:meta])* struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$about])*
        pub(super) struct $name { $(pub(super) $field: $type,)* }

        impl Field<'_> for $name {
            fn write(&self, bytes: &mut Vec<u8>) {
                $(self.$field.write(bytes);)*
            }
            fn read(rest: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Field::read(rest)?,)* })
            }
        }
    };
}

fields! {
    /// What is known of the loan and its last operation, and is not for the engine.
    struct Told<'a> {
        loan_id: Option<Uuid>,
        version: Option<i32>,
        kind: Option<&'a str>,
        valid_on: Option<Day>,
        payment_id: Option<Uuid>,
        hash: Option<&'a [u8]>,
        latest_on: Option<Day>,
        legal_entity_id: Option<Uuid>,
        product_id: Option<Uuid>,
        currency: Option<&'a str>,
        status_before: Option<&'a str>,
        was_on_time: Option<bool>,
        charged_off_before: Option<Day>,
        receivable_through: Option<Day>,
        ended_through: Option<Day>,
        interest_before: Option<Num>,
        fees_before: Option<Num>,
        penalties_before: Option<Num>,
    }
}

fields! {
    /// An entry of a ledger transaction, which is of one operation.
    struct Entered<'a> {
        operation: i32,
        transaction: Uuid,
        position: i32,
        account: &'a str,
        amount: Num,
    }
}

fields! {
    /// What a transaction of the loan paid of an instalment.
    struct Paid {
        operation: i32,
        transaction: i32,
        instalment: i32,
        due_date: Option<Day>,
        principal: Num,
        interest: Num,
        fees: Num,
        penalties: Num,
        held: Num,
        is_given_back: bool,
    }
}

fields! {
    /// What the loan comes to, as the outlook tells it, and what its receivables come to.
    struct Owed<'a> {
        status: &'a str,
        principal: Num,
        interest: Num,
        fees: Num,
        penalties: Num,
        overpaid: Num,
        oldest_unpaid: Option<Day>,
        overdue: Num,
        overdue_principal: Num,
        next_due: Option<Day>,
        next_due_amount: Num,
        maturity: Option<Day>,
        earned_base: Num,
        earned_per_day: Num,
        holds_until: Option<Day>,
        charged_off_on: Option<Day>,
        fees_earned: Num,
        penalties_earned: Num,
        interest_settled: Num,
        fees_settled: Num,
        penalties_settled: Num,
        interest_receivable: Option<Num>,
        fee_receivable: Option<Num>,
        penalty_receivable: Option<Num>,
    }
}

/// The parts of an answer: each is preceded by its length, and read only by who needs it.
const PARTS: usize = 5;

pub(super) struct Answer<'a> {
    pub(super) told: Told<'a>,
    pub(super) entries: &'a [u8],
    pub(super) portions: &'a [u8],
    pub(super) owed: &'a [u8],
    pub(super) state: &'a [u8],
}

/// All values of a part; `None` among them if it is not as it was written.
pub(super) fn all<'a, T: Field<'a>>(mut part: &'a [u8]) -> impl Iterator<Item = Option<T>> {
    std::iter::from_fn(move || (!part.is_empty()).then(|| T::read(&mut part)))
}

/// The rows that each of the answers makes.
pub(super) fn rows<'a>(
    mut served: &'a [u8],
    make: impl Fn(&Answer<'a>, &mut Put<'_>) -> Option<()> + 'a,
) -> Many<'a> {
    Many(Box::new(move |put| {
        let mut read = || {
            while !served.is_empty() {
                let mut parts = [&[][..]; PARTS];
                for part in &mut parts {
                    *part = Field::read(&mut served)?;
                }
                let [mut told, entries, portions, owed, state] = parts;
                let told = Told::read(&mut told)?;
                make(&Answer { told, entries, portions, owed, state }, put)?;
            }
            Some(())
        };
        read().ok_or_else(damaged).or_refuse();
    }))
}

fn damaged() -> ServicingError {
    let message = "not as it was written".into();
    ServicingError::Unreadable(Problem { path: "served".into(), message })
}

/// The sum with the decimals of both.
fn sum(before: Num, moved: Num) -> Result<Num, ServicingError> {
    let mut sum = add(before.0, moved.0)?;
    sum.rescale(before.0.scale().max(moved.0.scale()));
    Ok(Num(sum))
}

fn owed<'a>(
    told: &Told<'_>,
    loan: &'a Loan,
    booking: &Booking,
    on: Day,
) -> Result<Owed<'a>, ServicingError> {
    let (shown, found) = (Shown::of(loan), loan.outlook(on.0)?);
    let receivable = |before: Option<Num>, account| {
        let moved = shown.amount(booking.moved(account)?);
        before.map(|before| sum(before, moved)).transpose()
    };
    Ok(Owed {
        status: found.status.name(),
        principal: shown.amount(found.outstanding.principal),
        interest: shown.amount(found.outstanding.interest),
        fees: shown.amount(found.outstanding.fee),
        penalties: shown.amount(found.outstanding.penalty),
        overpaid: shown.amount(found.overpaid),
        oldest_unpaid: day(found.oldest_unpaid),
        overdue: shown.amount(found.overdue),
        overdue_principal: shown.amount(found.overdue_principal),
        next_due: day(found.next_due),
        next_due_amount: shown.amount(found.next_due_amount),
        maturity: day(found.maturity),
        earned_base: shown.amount(found.base),
        earned_per_day: shown.amount(found.per_day),
        holds_until: day(found.until),
        charged_off_on: day(found.charged_off_on),
        fees_earned: shown.amount(found.earned.fee),
        penalties_earned: shown.amount(found.earned.penalty),
        interest_settled: shown.amount(found.settled.interest),
        fees_settled: shown.amount(found.settled.fee),
        penalties_settled: shown.amount(found.settled.penalty),
        interest_receivable: receivable(told.interest_before, Account::InterestReceivable)?,
        fee_receivable: receivable(told.fees_before, Account::FeeReceivable)?,
        penalty_receivable: receivable(told.penalties_before, Account::PenaltyReceivable)?,
    })
}

/// Writes a part behind its length.
fn part(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let before = bytes.len();
    0i32.write(bytes);
    let start = bytes.len();
    write(bytes);
    let length = (bytes.len() - start) as i32;
    bytes[before..start].copy_from_slice(&length.to_ne_bytes());
}

/// The answer for a loan.
pub(super) fn answer(
    told: &Told<'_>,
    loan: &Loan,
    booking: &Booking,
    on: Day,
) -> Result<Vec<u8>, ServicingError> {
    let (shown, owed) = (Shown::of(loan), owed(told, loan, booking, on)?);
    let mut bytes = Vec::with_capacity(2_048);
    part(&mut bytes, |bytes| told.write(bytes));
    part(&mut bytes, |bytes| {
        for of_one in booking.entries.chunk_by(|one, next| one.operation == next.operation) {
            let transaction = uuid_v7();
            for (place, one) in of_one.iter().enumerate() {
                let (operation, position) = (one.operation as i32, place as i32 + 1);
                let (account, amount) = (one.account.name(), shown.amount(one.amount));
                Entered { operation, transaction, position, account, amount }.write(bytes);
            }
        }
    });
    part(&mut bytes, |bytes| {
        for one in &booking.portions {
            Paid {
                operation: one.operation as i32,
                transaction: one.transaction as i32,
                instalment: one.line as i32,
                due_date: day(one.due_date),
                principal: shown.amount(one.amounts.principal),
                interest: shown.amount(one.amounts.interest),
                fees: shown.amount(one.amounts.fee),
                penalties: shown.amount(one.amounts.penalty),
                held: shown.amount(one.held),
                is_given_back: one.is_given_back,
            }
            .write(bytes);
        }
    });
    part(&mut bytes, |bytes| owed.write(bytes));
    let state = loan.pack()?;
    part(&mut bytes, |bytes| bytes.extend_from_slice(&state));
    Ok(bytes)
}
