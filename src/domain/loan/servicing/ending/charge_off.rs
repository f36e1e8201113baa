//! Charge-off: the loan is taken for lost in the books, though it is still owed.
//!
//! What is outstanding on the day is the charge-off's amount; it moves nothing that is owed. From
//! then on interest does not follow payments any more. Of a progressive loan the terms may say that
//! no interest is asked for after the day, or that everything falls due on it. Interest earned up
//! to the day and not yet recognised is recognised then; what was recognised too much is taken
//! back.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::entry::Entry;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Reversal, Transaction, TransactionKind};
use super::super::terms::ChargeOffBehaviour;
use crate::domain::decimal::{add, sub};
use crate::domain::loan::ProgressiveModel;
use crate::domain::loan::basis::days;
use crate::domain::loan::context::Context;

impl Loan {
    /// Charges the loan off.
    pub(crate) fn take_charge_off(
        &mut self,
        entry: &Entry,
        fraud: bool,
    ) -> Result<(), ServicingError> {
        self.check_open(entry, "charge off")?;
        if self.charged_off_on.is_some() {
            return Err(self.wrong_state("charge off once more"));
        }
        self.check_last(entry)?;
        self.fraud = fraud;
        self.charged_off_on = Some(entry.on);
        self.record_transaction(entry, TransactionKind::ChargeOff, Decimal::ZERO);
        Ok(())
    }

    /// Takes the charge-off back, if nothing was done with the loan since.
    pub(crate) fn take_undo_charge_off(&mut self, entry: &Entry) -> Result<(), ServicingError> {
        let waiting = || self.transactions.iter().rfind(|one| self.waits(one));
        let Some(found) = self.standing_charge_off().or_else(waiting) else {
            return Err(self.wrong_state("undo a charge-off"));
        };
        let (id, sequence, since) = (found.id, found.sequence, (found.on, found.sequence));
        let later = |one: &Transaction| {
            one.stands() && is_dealing(one.kind) && (one.on, one.sequence) > since
        };
        if self.transactions.iter().any(later) {
            return Err(self.wrong_state("undo a charge-off that something followed"));
        }
        let reversal =
            Reversal { recorded_on: entry.recorded_on, sequence: entry.sequence, asked: true };
        for one in self.transactions.iter_mut().filter(|one| one.id == id) {
            one.reversed = Some(reversal);
        }
        for one in self.operations.iter_mut().filter(|one| one.sequence == sequence) {
            one.undone = true;
        }
        self.charged_off_on = None;
        Ok(())
    }

    /// Lets a charge-off take effect. One of a loan of which nothing is owed any more does not
    /// stand, though the loan stays charged off.
    pub(crate) fn charge_off(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        if self.model.is_some() {
            match self.terms.servicing.charge_off {
                ChargeOffBehaviour::Regular => {}
                ChargeOffBehaviour::ZeroInterest => self.stop_interest(one.on)?,
                ChargeOffBehaviour::Accelerate => self.accelerate(one.on)?,
            }
        }
        self.make_up_accruals(one)?;
        one.portions = self.outstanding()?;
        one.amount = one.portions.total()?;
        self.stands_since = Some(one.on).filter(|_| !one.came_to_nothing());
        Ok(())
    }

    /// Whether a transaction is the charge-off of a loan of which nothing was left to charge off.
    /// It stands again once something is, unless it is undone.
    pub(crate) fn waits(&self, one: &Transaction) -> bool {
        one.kind == TransactionKind::ChargeOff
            && self.charged_off_on == Some(one.on)
            && one.reversed.is_some_and(|by| !by.asked)
            && !self.transactions.iter().any(|other| other.replaces == Some(one.id))
    }

    /// The charge-off that stands.
    pub(crate) fn standing_charge_off(&self) -> Option<&Transaction> {
        let stands = |one: &&Transaction| one.stands() && one.kind == TransactionKind::ChargeOff;
        self.transactions.iter().find(stands)
    }

    /// Asks for no interest after a day: what lines would have asked for is asked for as
    /// principal, so that instalments stay, and the last ones are lowered for it.
    fn stop_interest(&mut self, on: NaiveDate) -> Result<(), ServicingError> {
        let mut moved = Decimal::ZERO;
        for at in 0..self.lines.len() {
            let Some(line) = self.lines.get(at) else { continue };
            let interest = if line.period_start <= on && on < line.due_date {
                self.interest_to(at, on)?
            } else if line.period_start > on && !line.is_settled() {
                add(line.paid.interest, line.waived.interest)?
            } else {
                continue;
            };
            let Some(line) = self.lines.get_mut(at) else { continue };
            let mut removed = sub(line.charged.interest, interest)?;
            // A payment that came before may have paid more of the principal than that leaves.
            if !line.is_settled() {
                let spare = line.outstanding_of(Component::Principal)?;
                removed = removed.max(sub(Decimal::ZERO, spare)?);
            }
            line.charged.interest = sub(line.charged.interest, removed)?;
            line.charged.add(Component::Principal, removed)?;
            moved = add(moved, removed)?;
        }
        self.lower_last_lines(moved)?;
        self.lines.iter_mut().try_for_each(|line| Ok(line.note_settlement(on)?))
    }

    /// Takes an amount off the principal of the last lines that are not settled, or adds it to the
    /// last one where it is negative.
    fn lower_last_lines(&mut self, amount: Decimal) -> Result<(), ServicingError> {
        let mut left = amount;
        let open = |line: &&mut Line| line.kind != LineKind::Additional && !line.is_settled();
        for line in self.lines.iter_mut().rev().filter(open) {
            let part = left.min(line.outstanding_of(Component::Principal)?);
            line.charged.principal = sub(line.charged.principal, part)?;
            left = sub(left, part)?;
            if left.is_zero() {
                break;
            }
        }
        Ok(())
    }

    /// Interest of a line up to a day within its period, and no less than was paid or waived of it.
    /// The calculator knows it where interest follows payments; else it is the part of what its period
    /// bears that the days up to the day are of all its days, and what lines before it put off.
    pub(crate) fn interest_to(&self, at: usize, on: NaiveDate) -> Result<Decimal, ServicingError> {
        let Some(line) = self.lines.get(at) else { return Ok(Decimal::ZERO) };
        let interest = match &self.model {
            Some(model) if self.is_told_by(model, line) => {
                model.interest_until(line.due_date, on, true)?
            }
            _ => {
                let own = sub(line.charged.interest, line.carried_over)?;
                add(self.by_days(line, own, on)?, self.carried_into(at)?)?
            }
        };
        Ok(interest.max(add(line.paid.interest, line.waived.interest)?))
    }

    /// Whether the calculator tells the interest of a line within its period: where it follows
    /// payments, or was agreed to be asked for later.
    fn is_told_by(&self, model: &ProgressiveModel, line: &Line) -> bool {
        line.is_modelled()
            && line.due_date <= model.end()
            && (self.follows_payments() || model.moves_interest(line.due_date))
    }

    /// Interest that lines before one bore and did not ask for.
    pub(crate) fn carried_into(&self, at: usize) -> Result<Decimal, ServicingError> {
        let before = self.lines.iter().take(at).map(|line| line.carried_over);
        let asked_beyond = before.into_iter().try_fold(Decimal::ZERO, add)?;
        Ok(sub(Decimal::ZERO, asked_beyond)?)
    }

    /// The part of an amount of a line that the days up to a day are of all days of its period.
    fn by_days(
        &self,
        line: &Line,
        amount: Decimal,
        on: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        let context = Context::of(&self.terms.schedule.rounding);
        let part = Decimal::from(days(line.period_start, on));
        let all = Decimal::from(days(line.period_start, line.due_date));
        if all.is_zero() {
            return Ok(amount);
        }
        self.round(context.mul(context.div(amount, all)?, part)?)
    }

    /// Interest earned up to the day of a charge-off: of lines due by then all that their periods bore, of the line whose period contains the day what is earned by then.
    pub(crate) fn interest_earned_by(&self, on: NaiveDate) -> Result<Decimal, ServicingError> {
        let mut sum = Decimal::ZERO;
        for line in self.lines.iter().filter(|line| line.kind != LineKind::Additional) {
            let earned = if line.due_date <= on {
                line.interest_borne()?
            } else if line.period_start <= on {
                self.earned_within(line, on)?
            } else {
                continue;
            };
            sum = add(sum, earned)?;
        }
        Ok(sum)
    }

    /// Interest earned by a day of the line whose period contains it. Where interest does not follow
    /// payments only what is outstanding of it counts, as Apache Fineract has it.
    fn earned_within(&self, line: &Line, on: NaiveDate) -> Result<Decimal, ServicingError> {
        if let Some(model) = self.model.as_ref().filter(|model| self.is_told_by(model, line)) {
            return Ok(model.interest_until(line.due_date, on, true)?);
        }
        let outstanding = line.outstanding_of(Component::Interest)?;
        let outstanding = sub(outstanding, line.carried_over)?.max(Decimal::ZERO.min(outstanding));
        match self.terms.servicing.charge_off {
            ChargeOffBehaviour::Regular => self.by_days(line, outstanding, on),
            ChargeOffBehaviour::ZeroInterest | ChargeOffBehaviour::Accelerate => Ok(outstanding),
        }
    }

    /// Recognises interest earned up to the day of a charge-off and not recognised yet, or takes
    /// back what was recognised too much.
    fn make_up_accruals(&mut self, charge_off: &Transaction) -> Result<(), ServicingError> {
        if !self.terms.servicing.accrual.periodic {
            return Ok(());
        }
        let mut missing = self.interest_earned_by(charge_off.on)?;
        for one in self.transactions.iter().filter(|one| one.stands() && one.on <= charge_off.on) {
            missing = match one.kind {
                TransactionKind::Accrual => sub(missing, one.portions.interest)?,
                TransactionKind::AccrualAdjustment => add(missing, one.portions.interest)?,
                _ => missing,
            };
        }
        if missing.is_zero() {
            return Ok(());
        }
        let kind = if missing > Decimal::ZERO {
            TransactionKind::Accrual
        } else {
            TransactionKind::AccrualAdjustment
        };
        let (sequence, on) = (charge_off.sequence, charge_off.on);
        let entry = Entry { sequence, on, recorded_on: self.today, id: None };
        let portions = Amounts::of(Component::Interest, missing.abs());
        self.push_transaction(Transaction { portions, ..entry.transaction(kind, missing.abs()) });
        Ok(())
    }

    /// Refuses what only an active loan of which money was lent by the day can have done to it.
    pub(crate) fn check_open(&self, entry: &Entry, what: &str) -> Result<(), ServicingError> {
        self.check_lent_on(entry.on)?;
        if self.status != LoanStatus::Active {
            return Err(self.wrong_state(what));
        }
        if entry.on > entry.recorded_on {
            let reason = "It cannot be recorded before its day.".into();
            return Err(ServicingError::BadDate { on: entry.on, reason });
        }
        Ok(())
    }

    /// Refuses what only a loan can have done to it that is neither given up nor ended.
    pub(crate) fn check_not_ended(&self, what: &str) -> Result<(), ServicingError> {
        if self.charged_off_on.is_some() || self.stands_since.is_some() {
            return Err(self.wrong_state(what));
        }
        Ok(())
    }

    /// Refuses a day before the last one on which something was done with the loan.
    pub(crate) fn check_last(&self, entry: &Entry) -> Result<(), ServicingError> {
        let later = |one: &Transaction| one.stands() && is_dealing(one.kind) && one.on > entry.on;
        if self.transactions.iter().any(later) {
            let reason = "Something was done with the loan after it.".into();
            return Err(ServicingError::BadDate { on: entry.on, reason });
        }
        Ok(())
    }
}

/// Whether a kind of transaction is somebody's dealing with the loan, in place of income recognised.
fn is_dealing(kind: TransactionKind) -> bool {
    !kind.is_recognition()
}
