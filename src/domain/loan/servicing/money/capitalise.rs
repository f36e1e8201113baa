//! Income added to the principal: owed like money lent.

use rust_decimal::Decimal;

use super::super::state::entry::Entry;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Transaction, TransactionKind};
use crate::domain::decimal::{add, sub};

impl Loan {
    /// Records that income is added to the principal.
    pub(crate) fn take_capitalised_income(
        &mut self,
        entry: &Entry,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        self.check_amount(amount)?;
        self.check_not_ended("add income to the principal")?;
        if !self.terms.servicing.capitalised_income.allowed {
            return Err(ServicingError::NotProvided {
                reason: "They do not allow income to be capitalised.".into(),
            });
        }
        self.check_lent_on(entry.on)?;
        if self.status != LoanStatus::Active {
            return Err(self.wrong_state("capitalise income"));
        }
        let most = self.left_to_lend()?;
        if amount > most {
            return Err(ServicingError::TooMuch { amount, most });
        }
        self.record_transaction(entry, TransactionKind::CapitalisedIncome, amount);
        Ok(())
    }

    /// How much of what was agreed may still be lent or capitalised.
    pub(crate) fn left_to_lend(&self) -> Result<Decimal, ServicingError> {
        let agreed = &self.terms.schedule;
        let mut left = add(agreed.principal, self.terms.servicing.lend_beyond)?;
        for tranche in &agreed.disbursements {
            left = add(left, tranche.amount)?;
        }
        for one in self.transactions.iter().filter(|one| one.stands()) {
            if matches!(
                one.kind,
                TransactionKind::Disbursement | TransactionKind::CapitalisedIncome
            ) {
                left = sub(left, one.amount)?;
            }
        }
        Ok(left.max(Decimal::ZERO))
    }

    /// Adds income to the principal. The lines of a fixed loan know it from the beginning.
    pub(crate) fn capitalise(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        one.portions.principal = one.amount;
        if self.model.is_none() {
            return Ok(());
        }
        self.add_principal(one, one.amount)?;
        self.reprice_charges()?;
        self.use_overpayment(one)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::{Loan, LoanTerms};

    /// Apache Fineract's scenario C3638 in a version that puts capitalised income into the
    /// schedule: 600 and 200 lent, 200 capitalised on the third day.
    #[test]
    fn capitalised_income_is_owed_like_money_lent() {
        let terms = LoanTerms::from_json(json!({
            "principal": 1000, "annual_rate": "0.07", "instalments": 6,
            "disbursed_on": "2024-01-01", "recalculation": {"interest": "daily"},
            "interest": {"days_in_month": "30", "days_in_year": "360"},
            "capitalised_income": {"allowed": true},
        }))
        .unwrap();
        let operations: Vec<_> = serde_json::from_value(json!([
            {"type": "disburse", "on": "2024-01-01", "amount": 600},
            {"type": "disburse", "on": "2024-01-02", "amount": 200},
            {"type": "capitalise_income", "on": "2024-01-03", "amount": 200},
        ]))
        .unwrap();
        let loan = Loan::fold(terms, &operations).unwrap();
        let principal: Vec<_> =
            loan.lines().iter().map(|line| line.charged.principal.to_string()).collect();
        assert_eq!(principal, ["164.35", "165.20", "166.16", "167.13", "168.10", "169.06"]);
        let interest: Vec<_> =
            loan.lines().iter().map(|line| line.charged.interest.to_string()).collect();
        assert_eq!(interest, ["5.72", "4.87", "3.91", "2.94", "1.97", "0.99"]);
    }
}
