//! Everything falls due on a day: by charge-off, where the terms say so, and by the contract's end.
//!
//! The line whose period contains the day ends on it. Interest is asked for up to the day, and what
//! was to be due later of principal is due with it. Fees and penalties that were to be due later
//! keep their day: they get a line of their own, due when the last of them is.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::entry::Entry;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Allocation, Transaction, TransactionKind};
use crate::domain::decimal::{add, sub};

impl Loan {
    /// Ends the contract on a day: everything falls due.
    pub(crate) fn take_termination(&mut self, entry: &Entry) -> Result<(), ServicingError> {
        self.check_open(entry, "end the contract")?;
        if self.stands_since.is_some() {
            return Err(self.wrong_state("end the contract"));
        }
        self.check_last(entry)?;
        self.record_transaction(entry, TransactionKind::Termination, Decimal::ZERO);
        Ok(())
    }

    /// Lets everything fall due on the day of a termination. It moves nothing: its amount is what
    /// is outstanding.
    pub(crate) fn terminate(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        self.accelerate(one.on)?;
        self.stands_since = Some(one.on);
        one.portions = self.outstanding()?;
        one.amount = one.portions.total()?;
        Ok(())
    }

    /// Lets everything fall due on a day before the last due date.
    pub(crate) fn accelerate(&mut self, on: NaiveDate) -> Result<(), ServicingError> {
        let Some(at) = self.index_within(on).filter(|_| Some(on) < self.maturity()) else {
            return Ok(());
        };
        let (interest, carried) = (self.interest_to(at, on)?, self.carried_into(at)?);
        let (kept, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.lines)
            .into_iter()
            .enumerate()
            .partition(|(index, line)| *index <= at || line.due_date <= on);
        self.lines = kept.into_iter().map(|(_, line)| line).collect();
        let mut charges = Line {
            kind: LineKind::Additional,
            period_start: on,
            due_date: self.last_charge_after(at, on),
            ..Line::default()
        };
        let Some(current) = self.lines.get_mut(at) else { return Ok(()) };
        let number = current.number;
        let old_due = std::mem::replace(&mut current.due_date, on);
        current.charged.interest = interest;
        let put_off = sub(Decimal::ZERO, std::mem::replace(&mut current.carried_over, carried))?;
        let own = sub(interest, carried)?.min(put_off).max(Decimal::ZERO);
        let gone = add(current.paid.interest, current.waived.interest)?;
        let mut asked_twice = add(carried, own)?.min(sub(interest, gone)?);
        for (_, line) in &later {
            let gone = take_over(current, line)?;
            // It was paid for interest that this line now asks for itself.
            let part = asked_twice.min(gone).max(Decimal::ZERO);
            asked_twice = sub(asked_twice, part)?;
            current.charged.interest = sub(current.charged.interest, part)?;
            put_charges(&mut charges, line)?;
        }
        current.settled_on = settled(current, current.settled_on.or(Some(on)))?;
        let charges_due = charges.due_date;
        if !charges.charged.is_zero() {
            charges.settled_on = settled(&charges, Some(on))?;
            self.lines.push(charges);
        }
        self.number_lines();
        self.move_shares(old_due, on, charges_due);
        self.move_allocations(number, old_due, (on, charges_due));
        Ok(())
    }

    /// The line whose period contains a day, the first day of a period excluded unless it is the
    /// first period's.
    fn index_within(&self, on: NaiveDate) -> Option<usize> {
        let served = |line: &Line| line.kind != LineKind::DownPayment;
        let first = self.lines.iter().position(served)?;
        self.lines.iter().enumerate().position(|(at, line)| {
            let begun = line.period_start < on || (at == first && line.period_start == on);
            served(line) && begun && on <= line.due_date
        })
    }

    /// The last day a charge falls due of those in lines after one; the day itself without any.
    fn last_charge_after(&self, at: usize, on: NaiveDate) -> NaiveDate {
        let until = self.lines.get(at).map_or(on, |line| line.due_date);
        self.charges
            .iter()
            .filter(|charge| charge.active)
            .flat_map(|charge| charge.shares.iter().map(move |share| (charge, share)))
            .filter(|(_, share)| share.due_date > until)
            .map(|(charge, share)| charge.due_on.unwrap_or(share.due_date))
            .max()
            .unwrap_or(on)
    }

    /// Moves charges with their lines: those of the line that ended, and all later ones.
    fn move_shares(&mut self, ended: NaiveDate, on: NaiveDate, later: NaiveDate) {
        for share in self.charges.iter_mut().flat_map(|charge| &mut charge.shares) {
            if share.due_date == ended {
                share.due_date = on;
            } else if share.due_date > ended {
                share.due_date = later;
            }
        }
    }

    /// Moves what was paid, by the line that ended: of it and of later lines to it on its new day,
    /// but for charges of later lines, which have their own. What forgave a charge keeps the line it
    /// was recorded for, by which it is found again.
    fn move_allocations(
        &mut self,
        number: u32,
        ended: NaiveDate,
        (on, charges_due): (NaiveDate, NaiveDate),
    ) {
        let down = |due| {
            let of_day = |line: &&Line| line.kind == LineKind::DownPayment && line.due_date == due;
            self.lines.iter().filter(of_day).map(|line| line.number).collect::<Vec<u32>>()
        };
        let (kept, charges) = (down(ended), self.lines.last().map_or(number, |line| line.number));
        let pays =
            |one: &&mut Transaction| one.stands() && one.kind != TransactionKind::ChargeWaiver;
        for one in self.transactions.iter_mut().filter(pays) {
            let mut moved = Vec::with_capacity(one.allocations.len());
            for part in one.allocations.drain(..) {
                let later = part.due_date > ended;
                if !later && (part.due_date < ended || kept.contains(&part.line)) {
                    moved.push(part);
                    continue;
                }
                let (fee, penalty) = (part.amounts.fee, part.amounts.penalty);
                let of_charges = Amounts { fee, penalty, ..Amounts::ZERO };
                let own = Amounts { fee: Decimal::ZERO, penalty: Decimal::ZERO, ..part.amounts };
                let own = if later { own } else { part.amounts };
                if !own.is_zero() {
                    moved.push(Allocation { due_date: on, line: number, amounts: own });
                }
                if later && !of_charges.is_zero() {
                    let line = charges;
                    moved.push(Allocation { due_date: charges_due, line, amounts: of_charges });
                }
            }
            one.allocations = moved;
        }
    }
}

/// Adds to a line the principal of a later one, and of its interest what was paid, waived or
/// charged back. Returns what was paid or waived of it.
fn take_over(line: &mut Line, later: &Line) -> Result<Decimal, ServicingError> {
    let own = |amounts: &Amounts| Amounts {
        principal: amounts.principal,
        interest: amounts.interest,
        ..Amounts::ZERO
    };
    let gone = add(later.paid.interest, later.waived.interest)?;
    let interest = gone.max(later.credited.interest);
    let charged = Amounts { principal: later.charged.principal, interest, ..Amounts::ZERO };
    line.charged = line.charged.plus(&charged)?;
    line.credited = line.credited.plus(&own(&later.credited))?.into();
    line.paid = line.paid.plus(&own(&later.paid))?;
    line.waived = line.waived.plus(&own(&later.waived))?.into();
    line.written_off = line.written_off.plus(&own(&later.written_off))?.into();
    line.accrued = line.accrued.plus(&own(&later.accrued))?.into();
    let of_charges = add(later.paid.fee, later.paid.penalty)?;
    let in_advance = sub(later.paid_in_advance, of_charges.min(later.paid_in_advance))?;
    line.paid_in_advance = add(line.paid_in_advance, in_advance)?;
    Ok(gone)
}

/// Adds the fees and penalties of a line to another one.
fn put_charges(line: &mut Line, from: &Line) -> Result<(), ServicingError> {
    for component in [Component::Fee, Component::Penalty] {
        line.charged.add(component, from.charged[component])?;
        line.credited.add(component, from.credited[component])?;
        line.paid.add(component, from.paid[component])?;
        line.waived.add(component, from.waived[component])?;
        line.written_off.add(component, from.written_off[component])?;
        line.accrued.add(component, from.accrued[component])?;
        line.paid_in_advance = add(line.paid_in_advance, from.paid[component])?;
    }
    Ok(())
}

/// The day a line was settled, if nothing of it is owed.
fn settled(line: &Line, on: Option<NaiveDate>) -> Result<Option<NaiveDate>, ServicingError> {
    Ok(if line.owes_nothing()? { on } else { None })
}
