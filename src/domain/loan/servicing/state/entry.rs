//! An operation as it is taken in.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::transaction::{Transaction, TransactionKind};

/// An operation on its way in.
pub(crate) struct Entry {
    /// Its place among everything recorded, counted from one.
    pub(crate) sequence: u32,
    /// The day it takes effect.
    pub(crate) on: NaiveDate,
    /// The day it was recorded.
    pub(crate) recorded_on: NaiveDate,
    /// By what name later operations refer to it.
    pub(crate) id: Option<String>,
}

impl Entry {
    /// A transaction of the operation, not run yet.
    pub(crate) fn transaction(&self, kind: TransactionKind, amount: Decimal) -> Transaction {
        Transaction::new(kind, amount, self.on, self.sequence, self.recorded_on)
    }
}
