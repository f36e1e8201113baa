//! Transfer: the loan belongs to another owner from a day on.
//!
//! It moves nothing that is owed. What the books carry of the loan when it is recorded is handed
//! over; whatever turns out differently later is the new owner's.

use rust_decimal::Decimal;

use super::super::state::entry::Entry;
use super::super::state::loan::Loan;
use super::super::state::operation::Action;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::TransactionKind;

impl Loan {
    /// Its owner, where it is not the lender.
    pub fn owner(&self) -> Option<&str> {
        let transfers = |kind| kind == TransactionKind::OwnerTransfer;
        let standing = self.transactions.iter().filter(|one| one.stands() && transfers(one.kind));
        let last = standing.max_by_key(|one| (one.on, one.sequence))?;
        let made = self.operations.iter().find(|made| made.sequence == last.sequence)?;
        match &made.operation.action {
            Action::TransferOwner { owner } => Some(owner),
            _ => None,
        }
    }

    /// Records that the loan belongs to another owner.
    pub(crate) fn take_transfer(
        &mut self,
        entry: &Entry,
        owner: &str,
    ) -> Result<(), ServicingError> {
        self.check_open(entry, "transfer")?;
        self.check_last(entry)?;
        if self.owner() == Some(owner) {
            return Err(self.wrong_state("transfer to the owner it has"));
        }
        let portions = self.carried()?;
        let kind = TransactionKind::OwnerTransfer;
        let id = self.record_transaction(entry, kind, Decimal::ZERO);
        if let Some(one) = self.transactions.iter_mut().rfind(|one| one.id == id) {
            (one.amount, one.portions) = (portions.total()?, portions);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use serde_json::json;

    use super::super::super::{Account, Loan, LoanTerms, Transaction, TransactionKind};

    #[test]
    fn a_transfer_hands_over_what_the_books_carry() {
        let terms = LoanTerms::from_json(json!({
            "principal": 100, "annual_rate": "0.07", "instalments": 6, "disbursed_on": "2024-01-01",
        }))
        .unwrap();
        let operations: Vec<_> = serde_json::from_value(json!([
            {"type": "disburse", "on": "2024-01-01", "amount": 100},
            {"type": "end_of_day", "on": "2024-01-31"},
            {"type": "repay", "on": "2024-02-01", "amount": "17.01"},
            {"type": "transfer_owner", "on": "2024-02-01", "owner": "a fund"},
        ]))
        .unwrap();
        let loan = Loan::fold(terms, &operations).unwrap();
        let is_transfer = |one: &&Transaction| one.kind == TransactionKind::OwnerTransfer;
        let transfer = loan.transactions().iter().find(is_transfer).unwrap();
        let carried = |account| -> Decimal {
            let before = loan.journal().iter().take_while(|one| one.transaction != transfer.id);
            before.filter(|one| one.account == account).map(|one| one.debit - one.credit).sum()
        };
        assert_eq!(loan.owner(), Some("a fund"));
        assert_eq!(transfer.portions.principal, carried(Account::Principal));
        assert_eq!(transfer.portions.interest, carried(Account::InterestReceivable));
        let handed = loan.journal().iter().filter(|one| one.transaction == transfer.id);
        let principal = handed.filter(|one| one.account == Account::Principal);
        let sides: Vec<_> = principal.map(|one| (one.debit, one.credit)).collect();
        let (all, none) = (transfer.portions.principal, Decimal::ZERO);
        assert_eq!(sides, [(none, all), (all, none)]);
    }
}
