//! The double-entry movements that transactions imply.
//!
//! Income is recognised by accrual, so that a payment of interest or charges lowers a receivable.
//! What is charged off leaves the assets; payments of it are income of their own. A transaction's
//! movements balance. A reversed transaction is not erased but posted back.
//!
//! The rules are those of periodic accrual accounting in Apache Fineract but for these: a
//! chargeback's interest is a receivable again; money that was held is booked against what it
//! paid; a refund out of what was paid restores the receivables, as they are owed again; what is
//! waived or written off after a charge-off is moved from the accounts that the charge-off used.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::amounts::{Amounts, Component};
use super::loan::Loan;
use super::movement::{Account, Movement};
use super::operation::Action;
use super::refusal::ServicingError;
use super::transaction::{Transaction, TransactionKind};
use crate::domain::decimal::{add, sub};

/// What one transaction posts: accounts and amounts, debits above zero and credits below.
#[derive(Debug, Default, PartialEq)]
struct Posting(Vec<(Account, Decimal)>);

impl Posting {
    /// Debits one account and credits another.
    fn post(
        &mut self,
        debit: Account,
        credit: Account,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        if amount.is_zero() {
            return Ok(());
        }
        if amount < Decimal::ZERO {
            return self.post(credit, debit, sub(Decimal::ZERO, amount)?);
        }
        self.sum(debit, amount)?;
        self.sum(credit, sub(Decimal::ZERO, amount)?)
    }

    /// Adds to one side of one account.
    fn sum(&mut self, account: Account, amount: Decimal) -> Result<(), ServicingError> {
        if amount.is_zero() {
            return Ok(());
        }
        let debit = amount > Decimal::ZERO;
        let same =
            |one: &&mut (Account, Decimal)| one.0 == account && (one.1 > Decimal::ZERO) == debit;
        match self.0.iter_mut().find(same) {
            Some(one) => one.1 = add(one.1, amount)?,
            None => self.0.push((account, amount)),
        }
        Ok(())
    }

    /// What movements post.
    fn of<'a>(movements: impl Iterator<Item = &'a Movement>) -> Result<Self, ServicingError> {
        let mut posting = Self::default();
        for one in movements {
            posting.sum(one.account, one.debit)?;
            posting.sum(one.account, sub(Decimal::ZERO, one.credit)?)?;
        }
        Ok(posting)
    }
}

impl Loan {
    /// Posts what an operation did, before which there were `known` transactions; `on_top` says
    /// that it left what they do as it was.
    pub(crate) fn post(
        &mut self,
        sequence: u32,
        known: usize,
        on_top: bool,
    ) -> Result<(), ServicingError> {
        let undone = |one: &Transaction| one.reversed.is_some_and(|by| by.sequence == sequence);
        if !on_top || self.transactions.iter().take(known).any(undone) {
            return self.post_changes();
        }
        for at in known..self.transactions.len() {
            let Some(posting) = self.transactions.get(at).map(|one| self.posting_of(one)) else {
                continue;
            };
            self.write(at, &posting?, false)?;
        }
        Ok(())
    }

    /// Posts back what does not hold any more, and posts what is new: transactions made or
    /// reversed since, and those that a charge-off makes payments of what was given up.
    fn post_changes(&mut self) -> Result<(), ServicingError> {
        self.check_whole()?;
        let mut written: BTreeMap<u32, Vec<Movement>> = BTreeMap::new();
        for one in &self.journal {
            let posted = written.entry(one.transaction).or_default();
            if one.reversal != posted.last().is_some_and(|last| last.reversal) {
                posted.clear();
            }
            posted.push(*one);
        }
        for at in 0..self.transactions.len() {
            let Some(one) = self.transactions.get(at) else { continue };
            let last = written.get(&one.id).map(Vec::as_slice).unwrap_or_default();
            let holds = !last.first().is_some_and(|one| one.reversal);
            let old = Posting::of(last.iter().filter(|_| holds))?;
            let new = self.posting_of(one)?;
            if old != new {
                self.write(at, &old, true)?;
                self.write(at, &new, false)?;
            }
        }
        Ok(())
    }

    /// Writes a posting of a transaction to the journal, or takes it back.
    fn write(&mut self, at: usize, posting: &Posting, back: bool) -> Result<(), ServicingError> {
        let Some(one) = self.transactions.get(at) else { return Ok(()) };
        for &(account, amount) in &posting.0 {
            let amount = if back { sub(Decimal::ZERO, amount)? } else { amount };
            self.journal.push(Movement {
                transaction: one.id,
                on: one.on,
                recorded_on: self.today,
                account,
                debit: amount.max(Decimal::ZERO),
                credit: sub(Decimal::ZERO, amount)?.max(Decimal::ZERO),
                reversal: back,
            });
        }
        Ok(())
    }

    /// What a transaction posts; nothing if it was reversed.
    fn posting_of(&self, one: &Transaction) -> Result<Posting, ServicingError> {
        let mut posting = Posting::default();
        if !one.stands() {
            return Ok(posting);
        }
        let lost = self.is_after_charge_off(one);
        match one.kind {
            TransactionKind::Disbursement => post_lending(&mut posting, one, Account::FundSource)?,
            TransactionKind::CapitalisedIncome => {
                post_lending(&mut posting, one, Account::DeferredIncome)?;
            }
            TransactionKind::CapitalisedIncomeAmortisation => {
                posting.post(Account::DeferredIncome, Account::InterestIncome, one.amount)?;
            }
            TransactionKind::Accrual | TransactionKind::AccrualAdjustment => {
                post_accrual(&mut posting, one)?;
            }
            TransactionKind::Recovery => {
                posting.post(Account::FundSource, Account::Recoveries, one.amount)?;
            }
            TransactionKind::ChargeOff => {
                for part in Component::ALL {
                    posting.post(self.given_up(part), owed(part), one.portions[part])?;
                }
            }
            TransactionKind::Chargeback
            | TransactionKind::CreditBalanceRefund
            | TransactionKind::Refund => self.post_return(&mut posting, one, lost)?,
            TransactionKind::OwnerTransfer => {
                for part in Component::ALL {
                    posting.post(Account::Suspense, owed(part), one.portions[part])?;
                    posting.post(owed(part), Account::Suspense, one.portions[part])?;
                }
            }
            TransactionKind::AccrualActivity
            | TransactionKind::ReAge
            | TransactionKind::ReAmortise
            | TransactionKind::Termination => {}
            _ => self.post_payment(&mut posting, one, lost)?,
        }
        Ok(posting)
    }

    /// A payment, or what is forgiven like one: its source is debited, what it pays is credited.
    fn post_payment(
        &self,
        posting: &mut Posting,
        one: &Transaction,
        lost: bool,
    ) -> Result<(), ServicingError> {
        for part in Component::ALL {
            let paid = if lost { self.recovered(one, part) } else { self.settled(one, part) };
            posting.post(self.source(one, part), paid, one.portions[part])?;
        }
        posting.post(self.source(one, Component::Principal), Account::Overpayment, one.overpaid)
    }

    /// Money that goes back to the borrower: what it makes owed again is debited, and what is
    /// taken of money that was held.
    fn post_return(
        &self,
        posting: &mut Posting,
        one: &Transaction,
        lost: bool,
    ) -> Result<(), ServicingError> {
        let mut owes = one.portions;
        if owes.total()? == one.amount && one.kind == TransactionKind::Chargeback {
            // All of it was owed again before held money paid a part.
            owes = owes.minus(&paid_by(one)?)?;
        }
        for part in Component::ALL {
            let account = if lost { self.given_up(part) } else { owed(part) };
            posting.post(account, Account::FundSource, owes[part])?;
        }
        let held = sub(one.amount, owes.total()?)?;
        posting.post(Account::Overpayment, Account::FundSource, held)
    }

    /// What pays a component: money, or the account that bears what is credited without money.
    fn source(&self, one: &Transaction, part: Component) -> Account {
        match one.kind {
            TransactionKind::GoodwillCredit if part == Component::Principal => {
                Account::GoodwillExpense
            }
            TransactionKind::GoodwillCredit => self.given_up(part),
            TransactionKind::InterestPaymentWaiver | TransactionKind::InterestRefund => {
                Account::InterestIncome
            }
            TransactionKind::ChargeAdjustment => earned(self.adjusted(one)),
            TransactionKind::ChargeRefund => Account::FeeIncome,
            TransactionKind::InterestWaiver
            | TransactionKind::ChargeWaiver
            | TransactionKind::WriteOff => Account::WriteOff,
            _ => Account::FundSource,
        }
    }

    /// What a payment of a component settles.
    fn settled(&self, one: &Transaction, part: Component) -> Account {
        match one.kind {
            // Charges that are withheld are earned when they are paid.
            TransactionKind::RepaymentAtDisbursement => earned(part),
            _ => owed(part),
        }
    }

    /// What a payment of a component settles once it was given up.
    fn recovered(&self, one: &Transaction, part: Component) -> Account {
        match one.kind {
            TransactionKind::Repayment
            | TransactionKind::DownPayment
            | TransactionKind::ChargePayment
            | TransactionKind::GoodwillCredit => Account::Recoveries,
            // Income that is taken back pays for income that was given up.
            TransactionKind::InterestPaymentWaiver | TransactionKind::InterestRefund => {
                Account::InterestIncomeChargeOff
            }
            TransactionKind::ChargeAdjustment => self.given_up(self.adjusted(one)),
            _ => self.given_up(part),
        }
    }

    /// The account that bears the loss of a component.
    fn given_up(&self, part: Component) -> Account {
        match part {
            Component::Principal if self.fraud => Account::ChargeOffFraudExpense,
            Component::Principal => Account::ChargeOffExpense,
            Component::Interest => Account::InterestIncomeChargeOff,
            Component::Fee => Account::FeeIncomeChargeOff,
            Component::Penalty => Account::PenaltyIncomeChargeOff,
        }
    }

    /// Whether the charge that a transaction adjusts is a fee or a penalty.
    fn adjusted(&self, one: &Transaction) -> Component {
        let made = self.operations.iter().find(|made| made.sequence == one.sequence);
        let Some(Action::AdjustCharge { charge, .. }) = made.map(|made| &made.operation.action)
        else {
            return Component::Fee;
        };
        let named = self.charges.iter().find(|one| &one.id == charge);
        named.map_or(Component::Fee, super::charge::Charge::component)
    }

    /// What the books carry of the loan, by component.
    pub(crate) fn carried(&self) -> Result<Amounts, ServicingError> {
        let mut carried = Amounts::ZERO;
        for one in &self.journal {
            if let Some(&part) = Component::ALL.iter().find(|&&part| owed(part) == one.account) {
                carried.add(part, sub(one.debit, one.credit)?)?;
            }
        }
        Ok(carried)
    }

    /// Whether a transaction takes effect after a charge-off.
    fn is_after_charge_off(&self, one: &Transaction) -> bool {
        let place = |one: &Transaction| (one.on, one.recorded_on, one.sequence, one.id);
        self.charged_off_on.is_some()
            && self.transactions.iter().any(|off| {
                off.kind == TransactionKind::ChargeOff && off.stands() && place(off) < place(one)
            })
    }
}

/// Principal that becomes owed, less what money that was held paid at once.
fn post_lending(
    posting: &mut Posting,
    one: &Transaction,
    source: Account,
) -> Result<(), ServicingError> {
    let paid = paid_by(one)?;
    posting.post(Account::Principal, source, sub(one.amount, paid.principal)?)?;
    posting.post(Account::Overpayment, source, paid.principal)?;
    for part in [Component::Interest, Component::Fee, Component::Penalty] {
        posting.post(Account::Overpayment, owed(part), paid[part])?;
    }
    Ok(())
}

/// Income as it is earned, or taken back.
fn post_accrual(posting: &mut Posting, one: &Transaction) -> Result<(), ServicingError> {
    for part in [Component::Interest, Component::Fee, Component::Penalty] {
        let (debit, credit) = match one.kind {
            TransactionKind::Accrual => (owed(part), earned(part)),
            _ => (earned(part), owed(part)),
        };
        posting.post(debit, credit, one.portions[part])?;
    }
    Ok(())
}

/// What a transaction's allocations paid, by component.
fn paid_by(one: &Transaction) -> Result<Amounts, ServicingError> {
    let sum = |sum: Amounts, part: &super::transaction::Allocation| sum.plus(&part.amounts);
    Ok(one.allocations.iter().try_fold(Amounts::ZERO, sum)?)
}

/// The asset that is owed of a component.
fn owed(part: Component) -> Account {
    match part {
        Component::Principal => Account::Principal,
        Component::Interest => Account::InterestReceivable,
        Component::Fee => Account::FeeReceivable,
        Component::Penalty => Account::PenaltyReceivable,
    }
}

/// The income that is earned of a component.
fn earned(part: Component) -> Account {
    match part {
        Component::Principal | Component::Interest => Account::InterestIncome,
        Component::Fee => Account::FeeIncome,
        Component::Penalty => Account::PenaltyIncome,
    }
}
