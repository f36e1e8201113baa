//! Capitalised income: earned in equal parts by the day until the last due date.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Cause, recognition};
use crate::domain::decimal::{add, div, mul, sub};
use crate::domain::loan::basis::days;
use crate::domain::loan::servicing::state::amounts::{Amounts, Component};
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::refusal::ServicingError;
use crate::domain::loan::servicing::state::transaction::TransactionKind;

impl Loan {
    /// Books what of capitalised income is earned up to a day.
    pub(super) fn earn_deferred(
        &mut self,
        until: NaiveDate,
        cause: Cause,
    ) -> Result<(), ServicingError> {
        if self.is_taken_for_lost() {
            return Ok(());
        }
        let Some(end) = self.maturity() else { return Ok(()) };
        let mut earned = Decimal::ZERO;
        for one in &self.transactions {
            if !one.stands() || one.kind != TransactionKind::CapitalisedIncome || one.on >= until {
                continue;
            }
            let (whole, part) = (days(one.on, end), days(one.on, until));
            let share = if part < whole {
                let share = mul(one.amount, Decimal::from(part))?;
                self.round(div(share, Decimal::from(whole))?)?
            } else {
                one.amount
            };
            earned = add(earned, share)?;
        }
        self.book_deferred(earned, until.min(end), cause)
    }

    /// Books all of capitalised income: nothing is owed any more.
    pub(super) fn earn_all_deferred(&mut self, cause: Cause) -> Result<(), ServicingError> {
        let mut earned = Decimal::ZERO;
        for one in &self.transactions {
            if one.stands() && one.kind == TransactionKind::CapitalisedIncome {
                earned = add(earned, one.amount)?;
            }
        }
        self.book_deferred(earned, self.met_on(), cause)
    }

    /// Books what is earned and was not booked before.
    fn book_deferred(
        &mut self,
        earned: Decimal,
        on: NaiveDate,
        cause: Cause,
    ) -> Result<(), ServicingError> {
        let kind = TransactionKind::CapitalisedIncomeAmortisation;
        let mut missing = earned;
        for one in self.transactions.iter().filter(|one| one.stands() && one.kind == kind) {
            missing = sub(missing, one.amount)?;
        }
        if missing > Decimal::ZERO {
            let portions = Amounts::of(Component::Interest, missing);
            self.push_transaction(recognition(kind, missing, portions, on, cause));
        }
        Ok(())
    }
}
