//! Charges due at disbursement, which are withheld from what is paid out.

use rust_decimal::Decimal;

use super::super::state::charge::{Charge, ChargeTiming};
use super::super::state::entry::Entry;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{ChargePart, Transaction, TransactionKind};
use crate::domain::decimal::add;
use crate::domain::loan::terms::FeeBasis;

impl Loan {
    /// What a charge due at disbursement comes to if everything is lent as agreed.
    pub(crate) fn agreed_at_disbursement(
        &self,
        charge: &Charge,
    ) -> Result<Decimal, ServicingError> {
        let schedule = &self.terms.schedule;
        let mut amount = self.price(charge, None, schedule.principal)?;
        if is_by_tranche(charge) {
            for later in &schedule.disbursements {
                amount = add(amount, self.price(charge, None, later.amount)?)?;
            }
        }
        Ok(amount)
    }

    /// Makes the transaction that withholds charges from a disbursement, if there are any.
    pub(crate) fn withhold_charges(&mut self, entry: &Entry) -> Result<(), ServicingError> {
        let due = |one: &Charge| one.active && one.timing == ChargeTiming::AtDisbursement;
        if !self.charges.iter().any(due) {
            return Ok(());
        }
        // What they come to may depend on the interest of what is lent.
        let mut trial = self.clone();
        let mut withheld =
            entry.transaction(TransactionKind::RepaymentAtDisbursement, Decimal::ZERO);
        trial.refold(entry.sequence)?;
        trial.pay_at_disbursement(&mut withheld)?;
        if withheld.amount > Decimal::ZERO {
            self.record_transaction(entry, withheld.kind, withheld.amount);
        }
        Ok(())
    }

    /// Withholds from a disbursement the charges due with it. A fraction of what is lent is due with
    /// each disbursement, anything else with the first one after it was made. What was withheld
    /// once is not computed again, even if more is lent later.
    pub(crate) fn pay_at_disbursement(
        &mut self,
        one: &mut Transaction,
    ) -> Result<(), ServicingError> {
        one.amount = Decimal::ZERO;
        for at in 0..self.charges.len() {
            let Some(charge) = self.charges.get(at) else { continue };
            let Some(part) = self.withheld_of(charge, one)? else { continue };
            let component = charge.component();
            let Some(charge) = self.charges.get_mut(at) else { continue };
            charge.paid = add(charge.paid, part)?;
            charge.amount = charge.paid;
            if part > Decimal::ZERO {
                one.amount = add(one.amount, part)?;
                one.portions.add(component, part)?;
                one.charges.push(ChargePart { charge: charge.id.clone(), line: 0, amount: part });
            }
        }
        Ok(())
    }

    /// What of a charge is withheld by a transaction: what it withheld before, if it was run, else
    /// what is due with its disbursement.
    fn withheld_of(
        &self,
        charge: &Charge,
        one: &Transaction,
    ) -> Result<Option<Decimal>, ServicingError> {
        if !charge.active || charge.timing != ChargeTiming::AtDisbursement {
            return Ok(None);
        }
        let before = self.made(one.id).map(|one| one.charges.as_slice()).unwrap_or_default();
        if !before.is_empty() {
            let part = before.iter().find(|part| part.charge == charge.id);
            return Ok(part.map(|part| part.amount));
        }
        let by_tranche = is_by_tranche(charge);
        if charge.sequence > one.sequence || (!by_tranche && charge.paid > Decimal::ZERO) {
            return Ok(None);
        }
        let of_it = |other: &&Transaction| {
            other.kind == TransactionKind::Disbursement && other.sequence == one.sequence
        };
        let lent =
            self.transactions.iter().rfind(of_it).map_or(Decimal::ZERO, |other| other.amount);
        self.price(charge, None, lent).map(Some)
    }
}

/// Whether a charge due at disbursement is due with each one.
fn is_by_tranche(charge: &Charge) -> bool {
    matches!(charge.basis, FeeBasis::Amount | FeeBasis::Disbursement)
}

#[cfg(test)]
mod tests {
    use super::super::super::properties::tried;
    use super::super::super::{Action, LoanTerms, Operation};
    use super::*;
    use crate::domain::loan::terms::{
        Disbursement, DownPayment, Fee, FeeTiming, RoundingFamily, ScheduleTerms,
    };
    use chrono::Days;
    use chrono::NaiveDate;
    use proptest::prelude::*;

    prop_compose! {
        fn fee()(
            timing in 0usize..3, basis in 0usize..5, thousandths in 1i64..60, day in 0u64..400,
        ) -> Fee {
            let timings = [FeeTiming::PerInstalment, FeeTiming::AtDisbursement, FeeTiming::OnDate];
            let bases = [
                FeeBasis::Flat, FeeBasis::Amount, FeeBasis::Interest, FeeBasis::AmountAndInterest,
                FeeBasis::Disbursement,
            ];
            let flat = basis == 0;
            let on = NaiveDate::from_ymd_opt(2023, 12, 20).unwrap() + Days::new(day);
            Fee {
                name: None,
                value: Decimal::new(thousandths, if flat { 2 } else { 3 }),
                basis: bases[basis],
                charged: timings[timing],
                on: (timing == 2).then_some(on),
            }
        }
    }

    prop_compose! {
        fn terms()(
            cents in 10_000i64..1_000_000,
            rate in 0i64..40,
            instalments in 2u32..9,
            progressive in any::<bool>(),
            down in any::<bool>(),
            later in proptest::option::of((1_000i64..100_000, 1u64..40)),
            fees in proptest::collection::vec(fee(), 1..4),
        ) -> ScheduleTerms {
            let start = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
            let principal = Decimal::new(cents, 2);
            let mut terms =
                ScheduleTerms::new(principal, Decimal::new(rate, 2), instalments, start);
            if !progressive {
                terms.rounding.family = RoundingFamily::Cumulative;
            }
            terms.down_payment =
                down.then(|| DownPayment { amount: None, fraction: Some(Decimal::new(25, 2)) });
            terms.disbursements.extend(later.map(|(cents, days)| {
                Disbursement::new(start + Days::new(days), Decimal::new(cents, 2))
            }));
            terms.fees = fees;
            terms
        }
    }

    proptest! {
        #![proptest_config(tried(1_000))]

        /// A loan lent as agreed asks for the fees its schedule foretold, in the same rows, and
        /// withholds those of the disbursements; what later ones bear is not known to the first.
        #[test]
        fn agreed_fees_are_those_of_the_schedule(terms in terms()) {
            let Ok(schedule) = crate::domain::loan::schedule(&terms) else { return Ok(()) };
            let mut loan = Loan::open(LoanTerms::new(terms.clone())).unwrap();
            let foretold: Vec<_> =
                schedule.rows.iter().map(|row| (row.due_date, row.fees)).collect();
            let asked = |loan: &Loan| -> Vec<_> {
                loan.lines().iter().map(|line| (line.due_date, line.charged.fee)).collect()
            };
            prop_assert_eq!(asked(&loan), foretold.clone());
            for one in &schedule.disbursements {
                let action = Action::Disburse { amount: one.amount };
                let operation =
                    Operation { on: one.on, recorded_on: None, id: None, currency: None, action };
                loan = loan.apply(&operation).unwrap();
            }
            prop_assert_eq!(asked(&loan), foretold);
            let bears = |fee: &Fee| {
                fee.charged == FeeTiming::AtDisbursement
                    && matches!(fee.basis, FeeBasis::Interest | FeeBasis::AmountAndInterest)
            };
            if schedule.disbursements.len() > 1 && terms.fees.iter().any(bears) {
                return Ok(());
            }
            for one in &schedule.disbursements {
                let withheld: Decimal = loan
                    .transactions()
                    .iter()
                    .filter(|other| other.kind == TransactionKind::RepaymentAtDisbursement)
                    .filter(|other| other.on == one.on)
                    .map(|other| other.amount)
                    .sum();
                prop_assert_eq!(withheld, one.fees);
            }
        }
    }
}
