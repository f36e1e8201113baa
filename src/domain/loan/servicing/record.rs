//! Recorded order: operations as they come.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::changing::reschedule::{Rescheduling, foreseen};
use super::state::entry::Entry;
use super::state::loan::{Loan, Recorded};
use super::state::operation::{Action, Operation, PaymentKind};
use super::state::past::Past;
use super::state::refusal::ServicingError;
use super::state::standing::LoanStatus;
use super::state::transaction::{Reversal, Transaction, TransactionKind};
use super::state::variation::{Change, Variation};
use super::terms::LoanTerms;

impl Loan {
    /// A loan that is agreed and not lent yet.
    ///
    /// # Errors
    /// [`ServicingError::Terms`] with every problem, and what the schedule refuses.
    pub fn open(terms: LoanTerms) -> Result<Self, ServicingError> {
        let mut loan = Self::without_lines(terms)?;
        loan.show_agreed_lines()?;
        Ok(loan)
    }

    /// The same before anybody looks at its lines.
    pub(crate) fn without_lines(terms: LoanTerms) -> Result<Self, ServicingError> {
        terms.validate().map_err(ServicingError::Terms)?;
        let variations = foreseen(&terms.schedule)?;
        let mut loan = Self { variations, ..Self::blank(terms) };
        loan.charge_agreed_fees();
        Ok(loan)
    }

    /// A loan of which nothing is known but its terms.
    pub(crate) fn blank(terms: LoanTerms) -> Self {
        let today = terms.schedule.disbursed_on;
        Self {
            terms,
            operations: Vec::new(),
            variations: Vec::new(),
            charges: Vec::new(),
            transactions: Vec::new(),
            journal: Vec::new(),
            lines: Vec::new(),
            model: None,
            carried_to: None,
            bare: None,
            latest: None,
            principal: Decimal::ZERO,
            overpaid: Decimal::ZERO,
            status: LoanStatus::Approved,
            closed_on: None,
            overpaid_on: None,
            recognised_to: None,
            charged_off_on: None,
            stands_since: None,
            fraud: false,
            today,
            past: Past::default(),
        }
    }

    /// A loan with everything that was recorded.
    ///
    /// # Errors
    /// The first refusal, as [`Loan::open`] and [`Loan::apply`].
    pub fn fold(terms: LoanTerms, operations: &[Operation]) -> Result<Self, ServicingError> {
        if operations.is_empty() {
            return Self::open(terms);
        }
        let mut loan = Self::without_lines(terms)?;
        // Most operations are payments: one transaction, whose money, principal and interest move.
        loan.operations.reserve(operations.len());
        loan.transactions.reserve(operations.len());
        loan.journal.reserve(operations.len().saturating_mul(3));
        operations.iter().try_for_each(|operation| loan.record(operation))?;
        Ok(loan)
    }

    /// The loan after one more operation.
    ///
    /// # Errors
    /// Why the operation is not taken. The caller's copy of the loan is as it was.
    pub fn apply(mut self, operation: &Operation) -> Result<Self, ServicingError> {
        self.record(operation)?;
        Ok(self)
    }

    /// Takes one more operation in; after a refusal the loan is of no use.
    pub(super) fn record(&mut self, operation: &Operation) -> Result<(), ServicingError> {
        self.check_history(operation)?;
        let entry = self.admit(operation)?;
        // Until something is recorded no day has passed, whatever was agreed for later.
        let first = entry.sequence == 1;
        self.today = if first { entry.recorded_on } else { self.today.max(entry.recorded_on) };
        let (known, held) = (self.transactions.len(), self.overpaid);
        self.take_in(&entry, &operation.action)?;
        self.operations.push(Recorded {
            sequence: entry.sequence,
            recorded_on: entry.recorded_on,
            operation: operation.clone(),
            undone: false,
        });
        if operation.action == Action::EndOfDay {
            self.end_day(&entry)?;
            return self.post(entry.sequence, known, true);
        }
        let on_top = self.builds_up(&operation.action)
            && entry.sequence > 1
            && !self.made_refund(entry.sequence)
            && self.run_on_top(entry.sequence)?;
        if !on_top {
            self.refold(entry.sequence)?;
        }
        let before = self.status;
        self.settle_status(entry.sequence)?;
        self.treat_overpayment(&entry, &operation.action, held)?;
        self.recognise_after(&entry, &operation.action, before)?;
        self.post(entry.sequence, known, on_top)
    }

    /// Whether an action only adds to what was, where nothing takes effect after it. What is added
    /// to the principal of a fixed loan is in its lines from the beginning.
    fn builds_up(&self, action: &Action) -> bool {
        match action {
            Action::Repay { .. }
            | Action::PayOff
            | Action::Refund { .. }
            | Action::Chargeback { .. } => true,
            Action::CapitaliseIncome { .. } => self.model.is_some(),
            _ => false,
        }
    }

    /// Checks what every operation must satisfy.
    fn admit(&self, operation: &Operation) -> Result<Entry, ServicingError> {
        if let Some(id) = &operation.id
            && self.operations.iter().any(|one| one.operation.id.as_ref() == Some(id))
        {
            return Err(ServicingError::Duplicate { id: id.clone() });
        }
        if let (Some(given), Some(expected)) = (&operation.currency, &self.terms.servicing.currency)
            && given != expected
        {
            let (given, expected) = (given.clone(), expected.clone());
            return Err(ServicingError::WrongCurrency { given, expected });
        }
        let sequence = self.recorded().saturating_add(1);
        let latest = if sequence == 1 { operation.on } else { self.today };
        let recorded_on = operation.recorded_on.unwrap_or_else(|| operation.on.max(latest));
        Ok(Entry { sequence, on: operation.on, recorded_on, id: operation.id.clone() })
    }

    /// Makes of an operation the transactions, charges and variations it stands for.
    fn take_in(&mut self, entry: &Entry, action: &Action) -> Result<(), ServicingError> {
        match action {
            Action::Disburse { amount } => self.take_disbursement(entry, *amount),
            Action::UndoDisbursement { all } => self.undo_disbursement(entry, *all),
            Action::Repay { amount, kind } => self.take_payment(entry, *amount, *kind),
            Action::PayOff => self.take_payoff(entry),
            Action::ChangeRate { annual_rate } => self.take_rate_change(entry, *annual_rate),
            Action::ChangeDueDate { to } => self.take_due_date_change(entry, *to),
            &Action::Reschedule { extra_instalments: extra, principal_grace, interest_grace } => {
                let asked = Rescheduling { extra, principal_grace, interest_grace };
                self.take_rescheduling(entry, asked)
            }
            Action::Chargeback { of, amount } => self.take_chargeback(entry, of, *amount),
            Action::Refund { amount, paid } => self.take_refund(entry, *amount, *paid),
            Action::CapitaliseIncome { amount } => self.take_capitalised_income(entry, *amount),
            Action::PauseInterest { to } => self.take_interest_pause(entry, *to),
            Action::PaymentHoliday { to } => self.take_payment_holiday(entry, *to),
            Action::SkipInstalment => self.take_skip(entry),
            Action::PauseDelinquency { to } => self.take_delinquency_pause(entry, *to),
            Action::ReAge { from, instalments, .. } => self.take_re_age(entry, *from, *instalments),
            Action::ReAmortise => self.take_re_amortisation(entry),
            Action::Reverse { of, only } => self.take_reversal(entry, of, *only),
            Action::EndOfDay => Ok(()),
            Action::Charge { .. }
            | Action::WaiveCharge { .. }
            | Action::AdjustCharge { .. }
            | Action::PayCharge { .. }
            | Action::UndoCharge { .. } => self.take_charge_operation(entry, action),
            Action::WaiveInterest { amount } => self.take_interest_waiver(entry, *amount),
            Action::WriteOff => self.take_write_off(entry),
            Action::ChargeOff { fraud, .. } => self.take_charge_off(entry, *fraud),
            Action::UndoChargeOff => self.take_undo_charge_off(entry),
            Action::Terminate => self.take_termination(entry),
            Action::TransferOwner { owner } => self.take_transfer(entry, owner),
        }
    }

    /// A new transaction of an operation, not run yet.
    pub(crate) fn record_transaction(
        &mut self,
        entry: &Entry,
        kind: TransactionKind,
        amount: Decimal,
    ) -> u32 {
        self.push_transaction(entry.transaction(kind, amount))
    }

    /// A new change of what is agreed.
    pub(crate) fn record_variation(&mut self, entry: &Entry, change: Change) {
        self.variations.push(Variation {
            sequence: entry.sequence,
            on: entry.on,
            recorded_on: entry.recorded_on,
            change,
            active: true,
        });
    }

    /// A payment.
    fn take_payment(
        &mut self,
        entry: &Entry,
        amount: Decimal,
        kind: PaymentKind,
    ) -> Result<(), ServicingError> {
        self.check_amount(amount)?;
        self.check_lent_on(entry.on)?;
        let kind = match kind {
            PaymentKind::Repayment => TransactionKind::Repayment,
            PaymentKind::DownPayment => TransactionKind::DownPayment,
            PaymentKind::MerchantRefund => TransactionKind::MerchantRefund,
            PaymentKind::PayoutRefund => TransactionKind::PayoutRefund,
            PaymentKind::GoodwillCredit => TransactionKind::GoodwillCredit,
            PaymentKind::InterestPaymentWaiver => TransactionKind::InterestPaymentWaiver,
            PaymentKind::ChargeRefund => TransactionKind::ChargeRefund,
            PaymentKind::Recovery => return self.take_recovery(entry, amount),
        };
        self.record_transaction(entry, kind, amount);
        Ok(())
    }

    /// Takes an earlier operation back, or what of it is of one kind.
    fn take_reversal(
        &mut self,
        entry: &Entry,
        of: &str,
        only: Option<TransactionKind>,
    ) -> Result<(), ServicingError> {
        let none = || ServicingError::NoSuchReference { id: of.into() };
        let named = |one: &&mut Recorded| one.operation.id.as_deref() == Some(of) && !one.undone;
        let found = self.operations.iter_mut().find(named).ok_or_else(none)?;
        if matches!(found.operation.action, Action::ChargeOff { .. }) {
            return self.take_undo_charge_off(entry);
        }
        found.undone = only.is_none();
        let sequence = found.sequence;
        let reversal =
            Reversal { recorded_on: entry.recorded_on, sequence: entry.sequence, asked: true };
        let is_meant = |one: &&mut Transaction| {
            one.sequence == sequence
                && one.stands()
                && only.map_or(!one.kind.is_recognition(), |kind| one.kind == kind)
        };
        let mut any = false;
        for one in self.transactions.iter_mut().filter(is_meant) {
            one.reversed = Some(reversal);
            any = true;
        }
        self.check_built_on()?;
        if only.is_some() {
            return if any { Ok(()) } else { Err(none()) };
        }
        for one in self.variations.iter_mut().filter(|one| one.sequence == sequence) {
            one.active = false;
        }
        self.withdraw_charges_of(sequence, entry);
        Ok(())
    }

    /// Refuses to take back what something else that stands is built on: the disbursement before
    /// everything else, or a payment that was charged back.
    pub(crate) fn check_built_on(&self) -> Result<(), ServicingError> {
        let first = self.first_lent_on();
        for one in self.transactions.iter().filter(|one| one.stands()) {
            let lent = first.is_some_and(|first| first <= one.on);
            if !lent && !one.kind.is_recognition() {
                return Err(ServicingError::BeforeDisbursement { on: one.on });
            }
            let of = one.of.filter(|_| one.kind == TransactionKind::Chargeback);
            if of.and_then(|id| self.standing(id)).is_some_and(|payment| !payment.stands()) {
                return Err(self.wrong_state("reverse a payment that was charged back"));
            }
        }
        Ok(())
    }

    /// Whether anything is lent.
    pub(crate) fn is_lent(&self) -> bool {
        self.lent_on().next().is_some()
    }

    /// The day of the first disbursement.
    pub(crate) fn first_lent_on(&self) -> Option<NaiveDate> {
        self.lent_on().min()
    }

    /// The days of the disbursements that stand, in the order recorded.
    fn lent_on(&self) -> impl Iterator<Item = NaiveDate> {
        let lent = |one: &&Transaction| one.stands() && one.kind == TransactionKind::Disbursement;
        self.transactions.iter().filter(lent).map(|one| one.on)
    }

    /// Refuses what is before the first disbursement.
    pub(crate) fn check_lent_on(&self, on: NaiveDate) -> Result<(), ServicingError> {
        let lent = self.lent_on().any(|lent| lent <= on);
        if lent { Ok(()) } else { Err(ServicingError::BeforeDisbursement { on }) }
    }

    /// Refuses amounts that are not positive whole minor units.
    pub(crate) fn check_amount(&self, amount: Decimal) -> Result<(), ServicingError> {
        if amount > Decimal::ZERO && self.round(amount)? == amount {
            return Ok(());
        }
        Err(ServicingError::BadAmount { amount })
    }

    /// The refusal of an operation that the state does not allow.
    pub(crate) fn wrong_state(&self, operation: &str) -> ServicingError {
        ServicingError::WrongState { status: self.status, operation: operation.into() }
    }

    /// The schedule as agreed, before anything is lent.
    pub(crate) fn show_agreed_lines(&mut self) -> Result<(), ServicingError> {
        let agreed = crate::domain::loan::schedule(&self.terms.schedule)?;
        self.lines = agreed.rows.iter().map(super::state::line::Line::agreed).collect();
        self.charge_agreed_lines()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_payment_on_time_leaves_the_schedule_as_it_was() {
        let terms = LoanTerms::from_json(json!({
            "principal": 100, "annual_rate": "0.07", "instalments": 6, "disbursed_on": "2024-01-01",
            "recalculation": {"interest": "daily"}
        }))
        .unwrap();
        let operations: Vec<Operation> = serde_json::from_value(json!([
            {"type": "disburse", "on": "2024-01-01", "amount": "100"},
            {"type": "repay", "on": "2024-02-01", "amount": "17.01"}
        ]))
        .unwrap();
        let loan = Loan::fold(terms, &operations).unwrap();
        let due: Vec<String> =
            loan.lines().iter().map(|line| line.charged.total().unwrap().to_string()).collect();
        assert_eq!(due, ["17.01", "17.01", "17.01", "17.01", "17.01", "17.00"]);
        assert_eq!(loan.lines()[0].settled_on, NaiveDate::from_ymd_opt(2024, 2, 1));
        assert_eq!(loan.outstanding().unwrap().principal.to_string(), "83.57");
    }
}
