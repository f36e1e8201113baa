//! Recognition of income: what is earned by the day is booked as it is earned, not as it is paid.
//!
//! At the end of each day what was earned so far ([`interest`], [`charges`]) is compared with what
//! was recognised so far, and the difference is booked. The loan of a progressive schedule has one
//! accrual a day, which may be an adjustment where recognised income turns out not to be earned;
//! other loans have one accrual for each period and never an adjustment: accruals that are too
//! much are taken back when what they recognise changes ([`reconcile`]). When nothing is owed any
//! more, all that was asked for is earned.
//!
//! Notes of what each period earned ([`activity`]) recognise nothing themselves.

mod activity;
mod charged;
mod charges;
mod day;
mod deferred;
mod interest;
mod reconcile;
mod straight;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::state::amounts::{Amounts, Component};
use super::state::line::{Line, LineKind};
use super::state::loan::{Loan, Recorded};
use super::state::operation::Action;
use super::state::refusal::ServicingError;
use super::state::standing::LoanStatus;
use super::state::transaction::{ChargePart, Reversal, Transaction, TransactionKind};
use super::terms::Recalculation;
use crate::domain::decimal::{add, sub};

pub use interest::AccruedInterest;

/// Which periods a recognition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Those up to the day, the one it is in by the day.
    ToDay,
    /// All of them: nothing is owed any more.
    Everything,
}

/// What a recognition books under: the operation, and the day it was recorded.
#[derive(Clone, Copy, Debug)]
struct Cause {
    sequence: u32,
    recorded_on: NaiveDate,
}

impl Cause {
    /// How a transaction is taken back that something else stands for.
    fn reversal(self) -> Reversal {
        Reversal { recorded_on: self.recorded_on, sequence: self.sequence, asked: false }
    }
}

/// What one line earned and what of it was recognised.
#[derive(Clone, Debug)]
struct Earned {
    /// Its place among the lines.
    at: usize,
    number: u32,
    due_date: NaiveDate,
    interest: Decimal,
    /// Below zero where more was forgiven than was recognised.
    interest_recognised: Decimal,
    /// Interest that a waiver posted as given up.
    interest_forgiven: Decimal,
    charges: Vec<EarnedCharge>,
}

/// What of one charge was earned in a line and what of it was recognised.
#[derive(Clone, Debug)]
struct EarnedCharge {
    id: String,
    component: Component,
    amount: Decimal,
    recognised: Decimal,
}

impl Earned {
    /// What of its charges of a component was earned.
    fn charged(&self, component: Component) -> Result<Decimal, ServicingError> {
        let mut sum = Decimal::ZERO;
        for one in self.charges.iter().filter(|one| one.component == component) {
            sum = add(sum, one.amount)?;
        }
        Ok(sum)
    }

    /// Lets more of its interest be what a waiver posted as given up, or less.
    fn forgive(&mut self, more: Decimal) -> Result<(), ServicingError> {
        self.interest_recognised = sub(self.interest_recognised, more)?;
        self.interest_forgiven = add(self.interest_forgiven, more)?;
        Ok(())
    }

    /// What is earned beyond what is recognised.
    fn missing(&self) -> Result<Amounts, ServicingError> {
        let mut missing =
            Amounts::of(Component::Interest, sub(self.interest, self.interest_recognised)?);
        for one in &self.charges {
            missing.add(one.component, sub(one.amount, one.recognised)?)?;
        }
        Ok(missing)
    }

    /// Its charges of which more was earned than recognised, or with `taken_back` less.
    fn parts(&self, taken_back: bool) -> Result<Vec<ChargePart>, ServicingError> {
        let mut parts = Vec::new();
        for one in &self.charges {
            let missing = sub(one.amount, one.recognised)?;
            let amount = if taken_back { sub(Decimal::ZERO, missing)? } else { missing };
            if amount > Decimal::ZERO {
                parts.push(ChargePart { charge: one.id.clone(), line: self.number, amount });
            }
        }
        Ok(parts)
    }
}

/// A transaction in the making.
#[derive(Debug, Default)]
struct Booking {
    portions: Amounts,
    charges: Vec<ChargePart>,
}

impl Booking {
    /// Adds what of fees and penalties is positive, with the charges it is of.
    fn add_charges(
        &mut self,
        missing: &Amounts,
        parts: Vec<ChargePart>,
    ) -> Result<(), ServicingError> {
        let mut any = false;
        for component in [Component::Fee, Component::Penalty] {
            if missing[component] > Decimal::ZERO {
                self.portions.add(component, missing[component])?;
                any = true;
            }
        }
        if any {
            self.charges.extend(parts);
        }
        Ok(())
    }
}

impl Loan {
    /// Whether the schedule is the progressive calculator's.
    fn is_progressive(&self) -> bool {
        self.model.is_some()
    }

    /// Whether interest is computed anew when payments are off their due dates.
    fn recalculates(&self) -> bool {
        self.terms.servicing.recalculation.interest != Recalculation::None && self.bears_interest()
    }

    /// Whether the loan was charged off. It stays so if a payment recorded later, for a day before,
    /// left nothing to charge off: what comes in is no income of the kind that is recognised.
    fn is_taken_for_lost(&self) -> bool {
        let charges_off = |one: &Recorded| {
            !one.undone && matches!(one.operation.action, Action::ChargeOff { .. })
        };
        self.operations.iter().any(charges_off)
    }

    /// Whether nothing is owed any more.
    fn is_met(&self) -> bool {
        matches!(self.status, LoanStatus::Closed | LoanStatus::Overpaid)
    }

    /// The day from which nothing was owed any more.
    fn met_on(&self) -> NaiveDate {
        let met =
            if self.status == LoanStatus::Overpaid { self.overpaid_on } else { self.closed_on };
        met.unwrap_or(self.today)
    }

    /// The last due date, that of charges after the last instalment included.
    fn end_of_lines(&self) -> Option<NaiveDate> {
        self.lines.last().map(|line| line.due_date)
    }

    /// The number of the first regular instalment.
    fn first_number(&self) -> Option<u32> {
        self.lines.iter().find(|line| line.kind != LineKind::DownPayment).map(|line| line.number)
    }

    /// Books what is earned up to a day and not recognised yet.
    fn recognise(
        &mut self,
        until: NaiveDate,
        reach: Reach,
        cause: Cause,
    ) -> Result<(), ServicingError> {
        let last = reach == Reach::Everything;
        if !self.terms.servicing.accrual.periodic
            || self.is_taken_for_lost()
            || (!last && self.status != LoanStatus::Active)
        {
            return Ok(());
        }
        let Some(end) = self.end_of_lines() else { return Ok(()) };
        self.take_back_accruals(cause, |on| on > end);
        let until = until.min(end);
        let booked_on = match (last, self.is_progressive()) {
            (false, _) => until,
            (true, true) => end.min(self.today),
            (true, false) => self.met_on(),
        };
        if self.is_progressive() && self.recognised_to.is_some_and(|to| until <= to) {
            if last {
                self.take_back_accruals(cause, |on| on > booked_on);
            } else if self.accruals().any(|one| one.on >= booked_on) {
                return Ok(());
            }
        }
        let earned = self.earned(until, reach)?;
        let booked = if last || self.is_progressive() {
            self.book_in_one(&earned, booked_on, cause)?
        } else {
            self.book_by_period(&earned, booked_on, cause)?
        };
        if booked && (!last || self.is_progressive()) {
            self.recognised_to = Some(if last { booked_on } else { until });
        }
        Ok(())
    }

    /// What each line earned up to a day, in order of due date.
    fn earned(&self, until: NaiveDate, reach: Reach) -> Result<Vec<Earned>, ServicingError> {
        let night = self.night_of(until);
        let reached = |line: &Line| match reach {
            Reach::Everything => true,
            Reach::ToDay => self.is_begun(line, until),
        };
        let mut earned: Vec<Earned> = Vec::with_capacity(self.lines.len());
        for (at, line) in self.lines.iter().enumerate().filter(|(_, line)| reached(line)) {
            earned.push(Earned {
                at,
                number: line.number,
                due_date: line.due_date,
                interest: Decimal::ZERO,
                interest_recognised: Decimal::ZERO,
                interest_forgiven: Decimal::ZERO,
                charges: Vec::new(),
            });
        }
        self.add_interest(&mut earned, night, reach)?;
        self.add_charges(&mut earned, until)?;
        Ok(earned)
    }

    /// The evening up to which a day's interest counts: where a day is earned as it begins, the
    /// night after it counts, too.
    fn night_of(&self, day: NaiveDate) -> NaiveDate {
        let at_dawn = self.is_progressive() && self.earns_at_dawn();
        if at_dawn { day.succ_opt().unwrap_or(day) } else { day }
    }

    /// Whether a line may have earned anything by a day.
    fn is_begun(&self, line: &Line, day: NaiveDate) -> bool {
        if line.kind == LineKind::DownPayment {
            return false;
        }
        let night = self.night_of(day);
        let first = self.first_number() == Some(line.number);
        !self.terms.servicing.accrual.charges_when_due
            || night > line.period_start
            || (first && night == line.period_start)
    }

    /// Books the difference of all lines as one accrual, and on a progressive schedule what was
    /// recognised and is not earned as one adjustment. Whether anything was booked.
    fn book_in_one(
        &mut self,
        earned: &[Earned],
        on: NaiveDate,
        cause: Cause,
    ) -> Result<bool, ServicingError> {
        let (mut accrual, mut adjustment) = (Booking::default(), Booking::default());
        let mut interest = Decimal::ZERO;
        for one in earned {
            let missing = one.missing()?;
            if missing.is_zero() {
                continue;
            }
            interest = add(interest, missing.interest)?;
            accrual.add_charges(&missing, one.parts(false)?)?;
            adjustment.add_charges(&Amounts::ZERO.minus(&missing)?, one.parts(true)?)?;
            self.note_recognised(one)?;
        }
        accrual.portions.interest = interest.max(Decimal::ZERO);
        adjustment.portions.interest = sub(Decimal::ZERO, interest)?.max(Decimal::ZERO);
        let mut booked = false;
        if self.is_progressive() {
            booked |= self.book(TransactionKind::AccrualAdjustment, adjustment, on, cause)?;
        }
        Ok(self.book(TransactionKind::Accrual, accrual, on, cause)? || booked)
    }

    /// Books the difference of each line as an accrual of its own, at its due date where that has
    /// come. Whether anything was booked.
    fn book_by_period(
        &mut self,
        earned: &[Earned],
        on: NaiveDate,
        cause: Cause,
    ) -> Result<bool, ServicingError> {
        let mut any = false;
        for one in earned {
            let missing = one.missing()?;
            let running = one.due_date > on && self.recognised_to.is_some_and(|to| on < to);
            if missing.is_zero() || running {
                continue;
            }
            let mut booking = Booking::default();
            booking.portions.interest = missing.interest.max(Decimal::ZERO);
            booking.add_charges(&missing, one.parts(false)?)?;
            any |= self.book(TransactionKind::Accrual, booking, on.min(one.due_date), cause)?;
            self.note_recognised(one)?;
        }
        Ok(any)
    }

    /// Notes on a line that all it earned is recognised.
    fn note_recognised(&mut self, earned: &Earned) -> Result<(), ServicingError> {
        let fee = earned.charged(Component::Fee)?;
        let penalty = earned.charged(Component::Penalty)?;
        if let Some(line) = self.lines.get_mut(earned.at) {
            let interest = add(earned.interest, earned.interest_forgiven)?;
            line.accrued = Amounts { interest, fee, penalty, ..Amounts::ZERO }.into();
        }
        Ok(())
    }

    /// Makes a transaction of what is booked, if it is anything.
    fn book(
        &mut self,
        kind: TransactionKind,
        booking: Booking,
        on: NaiveDate,
        cause: Cause,
    ) -> Result<bool, ServicingError> {
        let amount = booking.portions.total()?;
        if amount <= Decimal::ZERO {
            return Ok(false);
        }
        self.push_transaction(Transaction {
            charges: booking.charges,
            ..recognition(kind, amount, booking.portions, on, cause)
        });
        Ok(true)
    }

    /// Accruals and adjustments that stand.
    fn accruals(&self) -> impl Iterator<Item = &Transaction> {
        let kinds = [TransactionKind::Accrual, TransactionKind::AccrualAdjustment];
        self.transactions.iter().filter(move |one| one.stands() && kinds.contains(&one.kind))
    }

    /// Reverses the accruals and adjustments of the days that are meant.
    fn take_back_accruals(&mut self, cause: Cause, meant: impl Fn(NaiveDate) -> bool) {
        let kinds = [TransactionKind::Accrual, TransactionKind::AccrualAdjustment];
        for one in &mut self.transactions {
            if one.stands() && kinds.contains(&one.kind) && meant(one.on) {
                one.reversed = Some(cause.reversal());
            }
        }
    }
}

/// A transaction that recognises income.
fn recognition(
    kind: TransactionKind,
    amount: Decimal,
    portions: Amounts,
    on: NaiveDate,
    cause: Cause,
) -> Transaction {
    let blank = Transaction::new(kind, amount, on, cause.sequence, cause.recorded_on);
    Transaction { portions, ..blank }
}
