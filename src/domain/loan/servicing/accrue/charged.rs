//! Charges earned in all, and until when that stays so.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::loan::servicing::state::amounts::Amounts;
use crate::domain::loan::servicing::state::charge::{Charge, ChargeTiming};
use crate::domain::loan::servicing::state::line::{Line, LineKind};
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::refusal::ServicingError;

/// Fees and penalties earned by a day.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChargesEarned {
    /// By component, what was forgiven taken off.
    pub(crate) amounts: Amounts,
    /// The first day after it on which that may be something else.
    pub(crate) until: Option<NaiveDate>,
}

impl Loan {
    /// Fees and penalties earned by a day, on the day that the terms say each is.
    pub(crate) fn charges_earned(&self, on: NaiveDate) -> Result<ChargesEarned, ServicingError> {
        let mut found = ChargesEarned::default();
        let Some(end) = self.end_of_lines() else { return Ok(found) };
        if !self.charges.iter().any(|one| one.active) || !self.is_lent() {
            return Ok(found);
        }
        let met = self.is_met() && self.met_on() <= on;
        let until = on.min(end);
        for charge in self.charges.iter().filter(|one| one.active) {
            let lines = self.lines.iter().filter(|line| met || self.is_begun(line, until));
            for line in lines {
                let Some(home) = self.line_earned_in(charge, line, until) else { continue };
                if met || home.kind != LineKind::DownPayment {
                    let earned = self.amount_earned(charge, home, until)?;
                    found.amounts.add(charge.component(), earned)?;
                }
            }
            if until < end {
                let next = self.next_change(charge, until);
                found.until = [found.until, next].into_iter().flatten().min();
            }
        }
        Ok(found)
    }

    /// What of a charge is earned in a line on a day.
    fn amount_earned(
        &self,
        charge: &Charge,
        line: &Line,
        until: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        if is_forgiven(charge) {
            let earned = self.charge_earned(charge, line, until)?;
            return Ok(earned.map_or(Decimal::ZERO, |earned| earned.amount));
        }
        if charge.timing != ChargeTiming::PerInstalment {
            return Ok(charge.amount);
        }
        let of_line = charge.shares.iter().filter(|share| share.due_date == line.due_date);
        Ok(of_line.map(|share| share.amount).next().unwrap_or_default())
    }

    /// The first day after one on which something else of a charge may be earned.
    fn next_change(&self, charge: &Charge, on: NaiveDate) -> Option<NaiveDate> {
        if charge.timing == ChargeTiming::AtDisbursement {
            return None;
        }
        let (by_line, forgiven) =
            (charge.timing == ChargeTiming::PerInstalment, is_forgiven(charge));
        let owed = |due: &NaiveDate| {
            forgiven || (by_line && charge.shares.iter().any(|share| share.due_date == *due))
        };
        let dues = self.lines.iter().map(|line| line.due_date).filter(owed);
        dues.chain(self.earned_on(charge)).filter(|day| *day > on).min()
    }
}

/// Whether any of a charge was waived.
fn is_forgiven(charge: &Charge) -> bool {
    !charge.waived.is_zero() || charge.shares.iter().any(|share| !share.waived.is_zero())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::super::Reach;
    use crate::domain::loan::servicing::Component;
    use crate::domain::loan::servicing::properties::{Life, day, life, lived};

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// What is earned of charges is what would be recognised.
        #[test]
        fn it_is_what_recognition_finds(
            Life { mut terms, operations } in life(), when_due in any::<bool>(), offset in 0u32..330,
        ) {
            terms.servicing.accrual.charges_when_due = when_due;
            let (loan, _) = lived(&terms, &operations);
            let on = day(offset);
            let found = loan.charges_earned(on).unwrap().amounts;
            let mut expected = [Decimal::ZERO; 2];
            if let Some(end) = loan.end_of_lines().filter(|_| loan.is_lent()) {
                let met = loan.is_met() && loan.met_on() <= on;
                let reach = if met { Reach::Everything } else { Reach::ToDay };
                for line in loan.earned(on.min(end), reach).unwrap() {
                    expected[0] += line.charged(Component::Fee).unwrap();
                    expected[1] += line.charged(Component::Penalty).unwrap();
                }
            }
            prop_assert_eq!([found.fee, found.penalty], expected);
        }
    }
}
