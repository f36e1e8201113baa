//! What operations bring to the book that keeps a loan: entries of its ledger, and what payments paid.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::Amounts;
use super::super::state::loan::Loan;
use super::super::state::movement::Account;
use super::super::state::operation::Operation;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::TransactionKind;
use super::facts::Mark;
use crate::domain::decimal::{add, sub};

/// What operations bring to a book. Nothing in it is zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Booking {
    /// What is booked to accounts, by operation; the entries of an operation balance.
    pub entries: Vec<Entry>,
    /// What transactions paid of instalments, or are held; taken back with the sign turned.
    pub portions: Vec<Portion>,
}

/// What an operation books to an account: a debit above zero, a credit below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// The operation: its place among those of the loan.
    pub operation: u32,
    /// The account.
    pub account: Account,
    /// The amount, in currency units.
    pub amount: Decimal,
}

/// What a transaction paid of an instalment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Portion {
    /// The operation that made the transaction.
    pub operation: u32,
    /// The transaction.
    pub transaction: u32,
    /// The instalment; 0 for what is held and is of none.
    pub line: u32,
    /// Its due date.
    pub due_date: Option<NaiveDate>,
    /// What was paid of it.
    pub amounts: Amounts,
    /// What is held for the borrower.
    pub held: Decimal,
    /// Whether it was paid too much and given back at once, and is not of the payment.
    pub is_given_back: bool,
}

impl Booking {
    /// What is booked to an account by all operations together.
    ///
    /// # Errors
    /// [`ServicingError`] beyond the exact range.
    pub fn moved(&self, account: Account) -> Result<Decimal, ServicingError> {
        let mut moved = self.entries.iter().filter(|one| one.account == account);
        Ok(moved.try_fold(Decimal::ZERO, |sum, one| add(sum, one.amount))?)
    }
}

impl Loan {
    /// The loan after more operations, one on top of the other, and what they bring.
    ///
    /// # Errors
    /// The refusal of the first operation that is not taken, with its place in the list.
    pub fn apply_all(
        mut self,
        operations: &[Operation],
    ) -> Result<(Self, Booking), ServicingError> {
        let mut booking = Booking::default();
        for (at, operation) in operations.iter().enumerate() {
            let mark = self.mark();
            let in_list = |why| ServicingError::InList { at, why: Box::new(why) };
            self.record(operation).map_err(in_list)?;
            booking.take_in(&self, &mark)?;
        }
        booking.entries.retain(|one| !one.amount.is_zero());
        booking.portions.retain(|one| !(one.amounts.is_zero() && one.held.is_zero()));
        Ok((self, booking))
    }
}

impl Booking {
    /// Adds what happened to a loan since a moment.
    fn take_in(&mut self, loan: &Loan, mark: &Mark) -> Result<(), ServicingError> {
        for one in loan.posted_since(mark) {
            let amount = sub(one.debit, one.credit)?;
            let operation = loan.operation_of(one.transaction);
            let entry = Entry { operation, account: one.account, amount };
            let place = |one: &Entry| (one.operation, one.account);
            put(&mut self.entries, entry, place, |known| {
                known.amount = add(known.amount, amount)?;
                Ok(())
            })?;
            if one.account == Account::Overpayment {
                let held = sub(Decimal::ZERO, amount)?;
                self.pay(Portion { held, ..loan.portion(one.transaction, 0) })?;
            }
        }
        for (transaction, part) in loan.allocations_since(mark)? {
            let (due_date, amounts) = (Some(part.due_date), part.amounts);
            self.pay(Portion { due_date, amounts, ..loan.portion(transaction, part.line) })?;
        }
        Ok(())
    }

    fn pay(&mut self, portion: Portion) -> Result<(), ServicingError> {
        let place = |one: &Portion| (one.transaction, one.line);
        put(&mut self.portions, portion, place, |known| {
            known.due_date = portion.due_date.or(known.due_date);
            known.amounts = known.amounts.plus(&portion.amounts)?;
            known.held = add(known.held, portion.held)?;
            Ok(())
        })
    }
}

impl Loan {
    /// The operation that a transaction came of, whichever later one made it come to something
    /// else.
    fn operation_of(&self, transaction: u32) -> u32 {
        self.made(transaction).map_or(self.recorded(), |one| one.sequence)
    }

    /// Nothing yet of what a transaction pays of a line.
    fn portion(&self, transaction: u32, line: u32) -> Portion {
        let kind = self.made(transaction).map(|one| one.kind);
        Portion {
            operation: self.operation_of(transaction),
            transaction,
            line,
            due_date: None,
            amounts: Amounts::ZERO,
            held: Decimal::ZERO,
            is_given_back: kind == Some(TransactionKind::CreditBalanceRefund),
        }
    }
}

/// Puts an item into a list in order of its key, or what it brings to the one that has the key.
fn put<T, K: Ord>(
    list: &mut Vec<T>,
    item: T,
    key: impl Fn(&T) -> K,
    bring: impl FnOnce(&mut T) -> Result<(), ServicingError>,
) -> Result<(), ServicingError> {
    let at = list.partition_point(|one| key(one) < key(&item));
    match list.get_mut(at) {
        Some(known) if key(known) == key(&item) => bring(known)?,
        _ => list.insert(at, item),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::state::transaction::Allocation;
    use super::*;
    use crate::domain::loan::servicing::properties::{LIVES, Life, life};

    /// Operations and what each brings, by the facts that are told of it.
    fn told(loan: &Loan, operations: &[Operation]) -> (Loan, Vec<(u32, Decimal)>) {
        let (mut loan, mut told) = (loan.clone(), Vec::new());
        for one in operations {
            let mark = loan.mark();
            loan = loan.apply(one).unwrap();
            let paid = |(id, part): &(u32, Allocation)| (*id, part.amounts.total().unwrap());
            told.extend(loan.allocations_since(&mark).unwrap().iter().map(paid));
            let posted = loan.posted_since(&mark).iter();
            let held = posted.filter(|one| one.account == Account::Overpayment);
            told.extend(held.map(|one| (one.transaction, one.credit - one.debit)));
        }
        (loan, told)
    }

    /// Sums by key, without those that are nothing.
    fn sums<K: Ord>(
        all: impl Iterator<Item = (K, Decimal)>,
    ) -> std::collections::BTreeMap<K, Decimal> {
        let mut sums = std::collections::BTreeMap::new();
        for (key, amount) in all {
            *sums.entry(key).or_insert(Decimal::ZERO) += amount;
        }
        sums.retain(|_, sum| !sum.is_zero());
        sums
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: LIVES, failure_persistence: None, ..ProptestConfig::default() })]

        /// Entries of each operation balance, and portions are what facts tell.
        #[test]
        fn a_booking_is_what_facts_tell(Life { terms, operations } in life(), first in 0usize..4) {
            let mut loan = Loan::open(terms).unwrap();
            let mut taken = Vec::new();
            let mut after = loan.clone();
            for one in &operations {
                if let Ok(next) = after.clone().apply(one) {
                    (after, taken) = (next, [taken, vec![one.clone()]].concat());
                }
            }
            let (before, last) = taken.split_at(first.min(taken.len()));
            for one in before {
                loan = loan.apply(one).unwrap();
            }
            let posted = loan.journal().len();
            let (expected, told) = told(&loan, last);
            let (loan, booking) = loan.apply_all(last).unwrap();
            prop_assert_eq!(&loan, &expected);
            let balances = sums(booking.entries.iter().map(|one| (one.operation, one.amount)));
            prop_assert!(balances.is_empty(), "{:?}", booking);
            let paid = booking.portions.iter();
            let paid = paid.map(|one| (one.transaction, one.amounts.total().unwrap() + one.held));
            prop_assert_eq!(sums(paid), sums(told.into_iter()));
            let moved = loan.journal().iter().skip(posted);
            let moved = sums(moved.map(|one| (one.account, one.debit - one.credit)));
            prop_assert_eq!(sums(booking.entries.iter().map(|one| (one.account, one.amount))), moved);
            for one in &booking.entries {
                let name = serde_json::to_value(one.account).unwrap();
                prop_assert_eq!(name.as_str(), Some(one.account.name()));
                prop_assert!(!one.amount.is_zero());
            }
        }
    }
}
