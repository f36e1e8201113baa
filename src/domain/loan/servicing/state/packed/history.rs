//! What is left out of a loan that goes on without its history, and what cannot be done with it.
//!
//! An operation that takes effect after everything else builds on lines, calculator and charges. It
//! looks back at a few kinds of transaction only, which are kept: what was lent, what gave the loan
//! up or back to it, and what was forgiven.

use super::super::loan::Loan;
use super::super::operation::{Action, Operation, PaymentKind};
use super::super::refusal::ServicingError;
use super::super::transaction::{Transaction, TransactionKind};
use crate::domain::loan::servicing::terms::OverpaymentPolicy;

impl Loan {
    /// How many operations were recorded.
    pub fn recorded(&self) -> u32 {
        let later = u32::try_from(self.operations.len()).unwrap_or(u32::MAX);
        self.past.operations.saturating_add(later)
    }

    /// How many transactions were made.
    pub fn transactions_made(&self) -> u32 {
        let later = self.transactions.len().saturating_sub(self.past.kept);
        self.past.transactions.saturating_add(u32::try_from(later).unwrap_or(u32::MAX))
    }

    /// How many movements were posted.
    pub fn movements_posted(&self) -> u64 {
        self.past.movements.saturating_add(self.journal.len() as u64)
    }

    /// Whether an operation cannot be applied without the history that was left out. It can be
    /// applied to the loan folded from its terms and everything recorded.
    pub fn needs_history(&self, operation: &Operation) -> bool {
        if self.past.is_at_hand() {
            return false;
        }
        if !self.builds_on_state(operation) {
            return true;
        }
        // These may come to be more than the operation itself: penalties, or an overpayment that
        // is given back at once.
        let plain = operation.action != Action::EndOfDay
            && self.terms.servicing.overpayment != OverpaymentPolicy::Refund;
        !plain && self.clone().apply(operation) == Err(ServicingError::NeedsHistory)
    }

    /// Refuses an operation that would have to look at history that was left out.
    pub(crate) fn check_history(&self, operation: &Operation) -> Result<(), ServicingError> {
        if self.past.is_at_hand() || self.builds_on_state(operation) {
            return Ok(());
        }
        Err(ServicingError::NeedsHistory)
    }

    /// Refuses to run what was left out.
    pub(crate) fn check_whole(&self) -> Result<(), ServicingError> {
        if self.past.is_at_hand() { Ok(()) } else { Err(ServicingError::NeedsHistory) }
    }

    /// Whether an operation takes effect after everything else and looks at nothing that is left
    /// out.
    fn builds_on_state(&self, operation: &Operation) -> bool {
        let accrual = self.terms.servicing.accrual;
        let recognises = accrual.periodic || accrual.activity || self.has_capitalised();
        if recognises || self.is_recast(&self.terms.schedule) {
            return false;
        }
        match operation.action {
            Action::EndOfDay => return true,
            Action::Repay { kind, .. } if self.gives_interest_back(kind) => return false,
            Action::Repay { .. } | Action::PayOff | Action::Refund { .. } => {}
            _ => return false,
        }
        let recorded_on = operation.recorded_on.unwrap_or_else(|| operation.on.max(self.today));
        let place = (operation.on, false, recorded_on, self.recorded().saturating_add(1));
        self.latest.is_some_and(|latest| latest <= place)
    }

    fn gives_interest_back(&self, kind: PaymentKind) -> bool {
        match kind {
            PaymentKind::MerchantRefund => self.refunds_interest(TransactionKind::MerchantRefund),
            PaymentKind::PayoutRefund => self.refunds_interest(TransactionKind::PayoutRefund),
            _ => false,
        }
    }

    /// Whether income was added to the principal and not taken back.
    pub(super) fn has_capitalised(&self) -> bool {
        let adds =
            |one: &Transaction| one.stands() && one.kind == TransactionKind::CapitalisedIncome;
        self.past.capitalised || self.transactions.iter().any(adds)
    }

    /// Transactions that later operations and questions look at.
    pub(super) fn looked_at_later(&self) -> impl Iterator<Item = &Transaction> {
        use TransactionKind as Kind;
        let looked_at = |one: &&Transaction| {
            let kinds = [
                Kind::Disbursement,
                Kind::Chargeback,
                Kind::ChargeOff,
                Kind::ChargeWaiver,
                Kind::InterestWaiver,
                Kind::Recovery,
                Kind::WriteOff,
            ];
            kinds.contains(&one.kind) && (one.stands() || self.waits(one))
        };
        self.transactions.iter().filter(looked_at)
    }
}
