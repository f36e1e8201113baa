//! What charges do to the lines when they take effect: where they go and what they come to.
//!
//! A charge with a due date is in the line whose period contains the day, the first day of a period
//! excluded unless it is the first period's; after the last line it gets a line of its own, which
//! later charges share. One per instalment is in every instalment. One due at disbursement is in no
//! line: it is withheld.
//!
//! A fraction is taken of what the schedule says when the charge takes effect, and again whenever
//! something is lent or the rate changes.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::Amounts;
use super::super::state::charge::{Charge, ChargeShare, ChargeTiming};
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Transaction, TransactionKind};
use crate::domain::decimal::{add, mul, sub};
use crate::domain::loan::terms::FeeBasis;

impl Loan {
    /// Takes charges back to before anything happened.
    pub(crate) fn reset_charges(&mut self) {
        for charge in &mut self.charges {
            charge.paid = Decimal::ZERO;
            charge.waived = Decimal::ZERO;
            charge.written_off = Decimal::ZERO;
            charge.shares.clear();
        }
    }

    /// Shows the charges of a loan that nothing is lent of on the lines as agreed.
    pub(crate) fn charge_agreed_lines(&mut self) -> Result<(), ServicingError> {
        self.reset_charges();
        for line in &mut self.lines {
            line.charged.fee = Decimal::ZERO;
        }
        for at in 0..self.charges.len() {
            self.place_charge(at)?;
            let due = |charge: &&Charge| charge.timing == ChargeTiming::AtDisbursement;
            if let Some(charge) = self.charges.get(at).filter(due) {
                let amount = self.agreed_at_disbursement(charge)?;
                if let Some(charge) = self.charges.get_mut(at) {
                    charge.amount = amount;
                }
            }
        }
        Ok(())
    }

    /// Lets a charge take effect: puts it into the lines it belongs to.
    pub(crate) fn place_charge(&mut self, at: usize) -> Result<(), ServicingError> {
        let Some(charge) = self.charges.get(at).filter(|one| one.active) else { return Ok(()) };
        let days: Vec<NaiveDate> = match (charge.timing, charge.due_on) {
            (ChargeTiming::AtDisbursement, _) => return Ok(()),
            (ChargeTiming::PerInstalment, _) | (_, None) => self
                .lines
                .iter()
                .filter(|line| is_instalment(line))
                .map(|line| line.due_date)
                .collect(),
            (_, Some(on)) => {
                let agreed = charge.sequence == 0;
                self.line_for_charge(on, agreed)?.into_iter().collect()
            }
        };
        let (amount, paid, waived) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        let share = |due_date| ChargeShare { due_date, amount, paid, waived };
        if let Some(charge) = self.charges.get_mut(at) {
            charge.shares = days.into_iter().map(share).collect();
        }
        self.price_charge(at)
    }

    /// Computes fractions anew after what they are taken of may have changed.
    pub(crate) fn reprice_charges(&mut self) -> Result<(), ServicingError> {
        for at in 0..self.charges.len() {
            let wanted =
                |one: &&Charge| one.basis != FeeBasis::Flat && one.active && !one.shares.is_empty();
            if self.charges.get(at).filter(wanted).is_some() {
                self.price_charge(at)?;
            }
        }
        Ok(())
    }

    /// Computes what a charge comes to and shows it on its lines.
    fn price_charge(&mut self, at: usize) -> Result<(), ServicingError> {
        let Some(charge) = self.charges.get(at) else { return Ok(()) };
        let (component, per_line) =
            (charge.component(), charge.timing == ChargeTiming::PerInstalment);
        let lent = self.lent_until(charge.due_on.filter(|_| charge.sequence > 0))?;
        let mut shares = charge.shares.clone();
        let (mut amount, mut waived) = (Decimal::ZERO, Decimal::ZERO);
        for share in &mut shares {
            let Some(index) = self.index_due_on(share.due_date) else { continue };
            let Some(charge) = self.charges.get(at) else { continue };
            let line = self.lines.get(index).filter(|_| per_line);
            let new = self.price(charge, line, lent)?.max(share.paid);
            let forgiven = self.waived_of(charge, share.due_date)?.min(sub(new, share.paid)?);
            if let Some(line) = self.lines.get_mut(index) {
                line.charged.add(component, sub(new, share.amount)?)?;
                line.waived.add(component, sub(forgiven, share.waived)?)?;
                if !line.owes_nothing()? {
                    line.settled_on = None;
                }
            }
            (share.amount, share.waived) = (new, forgiven);
            amount = add(amount, new)?;
            waived = add(waived, forgiven)?;
        }
        if let Some(charge) = self.charges.get_mut(at) {
            (charge.amount, charge.waived, charge.shares) = (amount, waived, shares);
        }
        Ok(())
    }

    /// What a charge comes to: of a line, or without one of the whole loan.
    pub(crate) fn price(
        &self,
        charge: &Charge,
        line: Option<&Line>,
        lent: Decimal,
    ) -> Result<Decimal, ServicingError> {
        if let Some(since) = charge.overdue_since {
            return self.price_penalty(charge, since);
        }
        let agreed = charge.sequence == 0;
        let (principal, interest) = match line {
            Some(line) => (line.charged.principal, line.charged.interest),
            None => {
                // A fee of the terms is one of the schedule's, which counts instalments only.
                let counts = |line: &&Line| !agreed || line.kind != LineKind::DownPayment;
                let total = self
                    .lines
                    .iter()
                    .filter(counts)
                    .try_fold(Amounts::ZERO, |sum, line| sum.plus(&line.charged))?;
                (total.principal, total.interest)
            }
        };
        let scheduled = agreed && charge.timing == ChargeTiming::OnDate;
        let basis = match (charge.basis, line) {
            (FeeBasis::Flat, _) => Decimal::ONE,
            (FeeBasis::Amount, Some(_)) => principal,
            (FeeBasis::Amount, None) if scheduled => principal,
            (FeeBasis::Amount, None) | (FeeBasis::Disbursement, _) => lent,
            (FeeBasis::Interest, _) => interest,
            (FeeBasis::AmountAndInterest, _) => add(principal, interest)?,
        };
        self.round(mul(basis.max(Decimal::ZERO), charge.value)?)
    }

    /// What was lent up to a day, or at all; of a loan not lent yet, what is agreed.
    pub(crate) fn lent_until(&self, day: Option<NaiveDate>) -> Result<Decimal, ServicingError> {
        if !self.is_lent() {
            let agreed = &self.terms.schedule;
            let later = agreed.disbursements.iter();
            return later
                .filter(|one| day.is_none_or(|day| one.on <= day))
                .try_fold(agreed.principal, |sum, one| Ok(add(sum, one.amount)?));
        }
        self.transactions
            .iter()
            .filter(|one| one.stands() && one.kind == TransactionKind::Disbursement)
            .filter(|one| day.is_none_or(|day| one.on <= day))
            .try_fold(Decimal::ZERO, |sum, one| Ok(add(sum, one.amount)?))
    }

    /// What was waived of a charge in the line of a due date.
    pub(crate) fn waived_of(
        &self,
        charge: &Charge,
        due_date: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        let per_line = charge.timing == ChargeTiming::PerInstalment;
        let mut sum = Decimal::ZERO;
        for one in self.transactions.iter().filter(|one| one.stands()) {
            if one.kind == TransactionKind::ChargeWaiver
                && one.charges.iter().any(|part| part.charge == charge.id)
                && (!per_line || self.forgiven_in(charge, one) == Some(due_date))
            {
                sum = add(sum, one.amount)?;
            }
        }
        Ok(sum)
    }

    /// The due date of the line in which a waiver forgives a charge: of one per instalment the line
    /// it was recorded for, which may be due on another day since.
    pub(crate) fn forgiven_in(&self, charge: &Charge, waiver: &Transaction) -> Option<NaiveDate> {
        if charge.timing != ChargeTiming::PerInstalment {
            return charge.shares.first().map(|share| share.due_date);
        }
        let of = waiver.allocations.first()?;
        let shares = &charge.shares;
        if shares.is_empty() || shares.iter().any(|share| share.due_date == of.due_date) {
            return Some(of.due_date);
        }
        self.lines.iter().find(|line| line.number == of.line).map(|line| line.due_date)
    }

    /// The due date of the line a charge due on a day is in. A line is added for one after the
    /// last, unless it was agreed from the beginning.
    fn line_for_charge(
        &mut self,
        on: NaiveDate,
        agreed: bool,
    ) -> Result<Option<NaiveDate>, ServicingError> {
        let served = |line: &&Line| line.kind != LineKind::DownPayment;
        let Some(first) = self.lines.iter().find(served).map(|line| line.due_date) else {
            return Ok(None);
        };
        let Some(last) = self.lines.iter().filter(served).max_by_key(|line| line.due_date).cloned()
        else {
            return Ok(None);
        };
        let on = if agreed { on.min(last.due_date) } else { on };
        if on <= first {
            return Ok(Some(first));
        }
        let within = |line: &&Line| served(line) && line.period_start < on && on <= line.due_date;
        if let Some(line) = self.lines.iter().find(within) {
            return Ok(Some(line.due_date));
        }
        if on <= last.due_date {
            return Ok(Some(last.due_date));
        }
        if last.kind == LineKind::Additional {
            self.extend_additional_line(last.due_date, on);
        } else {
            self.lines.push(Line {
                kind: LineKind::Additional,
                period_start: last.due_date,
                due_date: on,
                settled_on: self.first_lent_on(),
                ..Line::default()
            });
            self.number_lines();
        }
        Ok(Some(on))
    }

    /// Moves the due date of the additional line, with the charges in it.
    pub(crate) fn extend_additional_line(&mut self, from: NaiveDate, to: NaiveDate) {
        for line in &mut self.lines {
            if line.kind == LineKind::Additional && line.due_date == from {
                line.due_date = to;
            }
        }
        for share in self.charges.iter_mut().flat_map(|charge| &mut charge.shares) {
            if share.due_date == from {
                share.due_date = to;
            }
        }
    }

    /// The line due on a day, down payments aside.
    pub(crate) fn line_due_on(&self, day: NaiveDate) -> Option<&Line> {
        self.index_due_on(day).and_then(|at| self.lines.get(at))
    }

    pub(crate) fn index_due_on(&self, day: NaiveDate) -> Option<usize> {
        self.lines
            .iter()
            .position(|line| line.kind != LineKind::DownPayment && line.due_date == day)
    }

    /// Puts the last line in order once everything has run: an additional line with nothing in it
    /// goes, and a line that a waiver settled was settled when the charge was waived.
    pub(crate) fn finish_charged_lines(&mut self) -> Result<(), ServicingError> {
        let Some(last) = self.lines.last() else { return Ok(()) };
        if last.kind == LineKind::Additional && last.charged.is_zero() {
            self.lines.pop();
            return Ok(());
        }
        let never_paid = last.settled_on.is_none() || last.settled_on == self.first_lent_on();
        if !never_paid || !last.owes_nothing()? {
            return Ok(());
        }
        let waived_on = self
            .transactions
            .iter()
            .filter(|one| one.stands() && one.kind == TransactionKind::ChargeWaiver)
            .filter(|one| one.on > last.period_start)
            .map(|one| one.on)
            .max();
        if let (Some(day), Some(line)) = (waived_on, self.lines.last_mut()) {
            line.settled_on = Some(day);
        }
        Ok(())
    }
}

/// Whether a line is an instalment, regular or made by re-ageing.
fn is_instalment(line: &Line) -> bool {
    matches!(line.kind, LineKind::Instalment | LineKind::ReAged)
}
