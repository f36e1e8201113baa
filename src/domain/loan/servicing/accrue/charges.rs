//! Charges earned: on their due dates, or where the lender says so on the day they were recorded.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Booking, Cause, Earned, EarnedCharge};
use crate::domain::decimal::{add, sub};
use crate::domain::loan::servicing::state::amounts::Amounts;
use crate::domain::loan::servicing::state::charge::{Charge, ChargeTiming};
use crate::domain::loan::servicing::state::line::{Line, LineKind};
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::refusal::ServicingError;
use crate::domain::loan::servicing::state::standing::LoanStatus;
use crate::domain::loan::servicing::state::transaction::{
    ChargePart, Transaction, TransactionKind,
};

impl Loan {
    /// Adds charges earned up to a day, and what of them was recognised, to each line.
    pub(super) fn add_charges(
        &self,
        earned: &mut [Earned],
        until: NaiveDate,
    ) -> Result<(), ServicingError> {
        let lines: Vec<usize> = earned.iter().map(|one| one.at).collect();
        for at in lines {
            let Some(line) = self.lines.get(at) else { continue };
            for charge in self.charges.iter().filter(|one| one.active) {
                let Some(home) = self.line_earned_in(charge, line, until) else { continue };
                let Some(part) = self.charge_earned(charge, home, until)? else { continue };
                if let Some(one) = earned.iter_mut().find(|one| one.number == home.number) {
                    one.charges.push(part);
                }
            }
        }
        Ok(())
    }

    /// The line a charge is in, if it is earned in the period of a line up to a day.
    pub(super) fn line_earned_in<'a>(
        &'a self,
        charge: &Charge,
        line: &'a Line,
        until: NaiveDate,
    ) -> Option<&'a Line> {
        if charge.timing == ChargeTiming::AtDisbursement {
            return None;
        }
        if charge.timing == ChargeTiming::PerInstalment {
            return (until >= line.due_date).then_some(line);
        }
        let due = charge.due_on?;
        let when_due = self.terms.servicing.accrual.charges_when_due;
        let decisive = self.earned_on(charge)?;
        let to = line.due_date.min(until);
        if !(self.is_after_start(line, decisive) && decisive <= to) {
            return None;
        }
        if when_due { Some(line) } else { self.line_around(due) }
    }

    /// The day a charge of one day is earned: its due date, or the day it was recorded where the
    /// terms say so and that is earlier.
    pub(super) fn earned_on(&self, charge: &Charge) -> Option<NaiveDate> {
        let when_due = self.terms.servicing.accrual.charges_when_due;
        let due = charge.due_on?;
        Some(if when_due { due } else { due.min(charge.recorded_on) })
    }

    /// Whether a day is after the start of a line's period, which is a part of the first one.
    fn is_after_start(&self, line: &Line, day: NaiveDate) -> bool {
        line.period_start < day
            || (line.period_start == day && self.first_number() == Some(line.number))
    }

    /// The line whose period a day is in.
    fn line_around(&self, day: NaiveDate) -> Option<&Line> {
        self.lines.iter().find(|line| self.is_after_start(line, day) && day <= line.due_date)
    }

    /// What of a charge in a line is earned on a day and what was recognised; nothing for a charge
    /// per instalment that the line has no part of.
    pub(super) fn charge_earned(
        &self,
        charge: &Charge,
        line: &Line,
        until: NaiveDate,
    ) -> Result<Option<EarnedCharge>, ServicingError> {
        let by_line = charge.timing == ChargeTiming::PerInstalment;
        let share = charge.shares.iter().find(|share| share.due_date == line.due_date);
        let (amount, waived_in_all) = match share {
            Some(share) if by_line => (share.amount, share.waived),
            None if by_line => return Ok(None),
            _ => (charge.amount, charge.waived),
        };
        let of_charge =
            |part: &&ChargePart| part.charge == charge.id && (!by_line || part.line == line.number);
        let (mut waived, mut unrecognised, mut recognised) =
            (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for one in self.transactions.iter().filter(|one| one.stands()) {
            for part in one.charges.iter().filter(of_charge) {
                match one.kind {
                    TransactionKind::Accrual => recognised = add(recognised, part.amount)?,
                    TransactionKind::AccrualAdjustment => {
                        recognised = sub(recognised, part.amount)?;
                    }
                    TransactionKind::ChargeWaiver if one.on <= until => {
                        waived = add(waived, part.amount)?;
                        unrecognised = add(unrecognised, unrecognised_part(one)?)?;
                    }
                    _ => {}
                }
            }
        }
        if until >= line.due_date {
            waived = waived_in_all;
        }
        let accounted = sub(waived, unrecognised)?.max(Decimal::ZERO);
        Ok(Some(EarnedCharge {
            id: charge.id.clone(),
            component: charge.component(),
            amount: sub(amount, waived)?.max(Decimal::ZERO),
            recognised: sub(recognised, accounted)?.max(Decimal::ZERO),
        }))
    }

    /// Recognises a charge as it is recorded, where it does not wait: after the last due date if
    /// the terms say so, and on a fixed schedule when money is held that pays it.
    pub(super) fn recognise_new_charge(
        &mut self,
        before: LoanStatus,
        cause: Cause,
    ) -> Result<(), ServicingError> {
        let terms = self.terms.servicing.accrual;
        let mature = || {
            let regular =
                |line: &&Line| !matches!(line.kind, LineKind::DownPayment | LineKind::Additional);
            self.lines.iter().rfind(regular).is_some_and(|line| line.due_date < self.today)
        };
        let at_once = if before == LoanStatus::Overpaid {
            !self.is_progressive()
        } else {
            (terms.charges_after_maturity_at_once && mature())
                || (!terms.periodic && !self.is_progressive())
        };
        let made = |one: &&Charge| one.active && one.sequence == cause.sequence;
        let Some(charge) = self.charges.iter().rfind(made).filter(|_| at_once).cloned() else {
            return Ok(());
        };
        let on = charge.due_on.map_or(self.today, |due| due.min(self.today));
        let portions = Amounts::of(charge.component(), charge.amount);
        let home = charge.due_on.and_then(|due| self.line_around(due)).map(|line| line.number);
        let line = home.unwrap_or_default();
        let charges = vec![ChargePart { charge: charge.id, line, amount: charge.amount }];
        if let Some(line) = self.lines.iter_mut().find(|line| Some(line.number) == home) {
            line.accrued = line.accrued.plus(&portions)?.into();
        }
        self.book(TransactionKind::Accrual, Booking { portions, charges }, on, cause)?;
        Ok(())
    }
}

/// What of a waived charge was not recognised before.
fn unrecognised_part(waiver: &Transaction) -> Result<Decimal, ServicingError> {
    Ok(sub(waiver.amount, waiver.portions.total()?)?)
}
