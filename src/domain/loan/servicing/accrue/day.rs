//! When income is recognised: at the end of each day, and after each operation that changes what
//! was earned.

use chrono::NaiveDate;

use super::{Cause, Reach};
use crate::domain::loan::servicing::state::entry::Entry;
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::operation::Action;
use crate::domain::loan::servicing::state::refusal::ServicingError;
use crate::domain::loan::servicing::state::standing::LoanStatus;
use crate::domain::loan::servicing::state::transaction::TransactionKind;

impl Loan {
    /// Ends the day of the operation: charges penalties, recognises what was earned, notes periods
    /// that are over, and lets principal that is overdue bear interest.
    pub(crate) fn end_day(&mut self, entry: &Entry) -> Result<(), ServicingError> {
        if self.status != LoanStatus::Active {
            return Ok(());
        }
        let cause = entry.cause();
        if self.charge_penalties(entry.on, entry)? {
            self.refold(entry.sequence)?;
        }
        // A day may be ended late, when operations of later days were recorded already.
        let today = std::mem::replace(&mut self.today, entry.on);
        let mut looked_back = false;
        // Lines of a progressive loan are recognised as they are shown. What principal that came to
        // be overdue since adds to those that are over is found afterwards, and recognised with the
        // next day; after the last due date there is none.
        let as_shown = self.is_progressive() && self.end_of_lines() > Some(entry.on);
        if !as_shown && self.recalculates_overdue(entry.on) {
            looked_back = entry.on != today;
            self.look_at_today(entry.sequence)?;
        }
        self.recognise(entry.on, Reach::ToDay, cause)?;
        self.earn_deferred(entry.on, cause)?;
        self.note_activity(entry.on, cause)?;
        let next = entry.on.succ_opt().unwrap_or(entry.on);
        self.today = next;
        if self.recalculates_overdue(next) {
            looked_back = next != today;
            self.look_at_today(entry.sequence)?;
            self.reconcile_accruals(cause)?;
            self.recognise_again(cause)?;
        }
        self.today = today;
        if looked_back || (next != today && self.recalculates_overdue(today)) {
            self.look_at_today(entry.sequence)?;
        }
        Ok(())
    }

    /// Whether something is overdue on a day whose interest goes on.
    fn recalculates_overdue(&self, day: NaiveDate) -> bool {
        self.recalculates()
            && !self.terms.servicing.recalculation.spare_overdue_principal
            && self.charged_off_on.is_none()
            && self.lines.iter().any(|line| line.due_date < day && !line.is_settled())
    }

    /// Puts recognition right after an operation has run.
    pub(crate) fn recognise_after(
        &mut self,
        entry: &Entry,
        action: &Action,
        before: LoanStatus,
    ) -> Result<(), ServicingError> {
        let cause = entry.cause();
        let was_met = matches!(before, LoanStatus::Closed | LoanStatus::Overpaid);
        if was_met && self.status == LoanStatus::Active {
            self.note_reopening(cause)?;
        }
        match action {
            Action::ChargeOff { .. } => self.take_back_after_charge_off(entry.on, cause),
            Action::UndoDisbursement { .. } if !self.is_lent() => self.recognised_to = None,
            Action::UndoDisbursement { .. } => self.take_back_notes_of_undone(cause),
            Action::Charge { .. } => self.recognise_new_charge(before, cause)?,
            _ => {}
        }
        // Payments leave the lines of a fixed schedule as they are.
        let changes_lines = matches!(
            action,
            Action::Disburse { .. }
                | Action::UndoDisbursement { .. }
                | Action::Reverse { .. }
                | Action::WriteOff
                | Action::ChangeRate { .. }
                | Action::ChangeDueDate { .. }
                | Action::Reschedule { .. }
        );
        if changes_lines || self.recalculates() {
            self.reconcile_accruals(cause)?;
        }
        self.recognise_again(cause)?;
        self.recognise_closure(cause)
    }

    /// Books once more what was earned up to the day recognised so far, after accruals were taken
    /// back to be made anew.
    fn recognise_again(&mut self, cause: Cause) -> Result<(), ServicingError> {
        match self.recognised_to {
            Some(until) if !self.is_progressive() && self.recalculates() => {
                self.recognise(until, Reach::ToDay, cause)
            }
            _ => Ok(()),
        }
    }

    /// Recognises everything once nothing is owed any more.
    fn recognise_closure(&mut self, cause: Cause) -> Result<(), ServicingError> {
        if !self.is_met() {
            return Ok(());
        }
        if let Some(end) = self.end_of_lines() {
            self.recognise(end, Reach::Everything, cause)?;
        }
        self.earn_all_deferred(cause)?;
        self.note_closure(cause)
    }

    /// Takes back accruals for days on which the loan was already taken for lost.
    fn take_back_after_charge_off(&mut self, day: NaiveDate, cause: Cause) {
        let at_dawn = self.earns_at_dawn();
        for one in &mut self.transactions {
            let later = one.on > day || (at_dawn && one.on == day);
            if one.stands() && one.kind == TransactionKind::Accrual && later {
                one.reversed = Some(cause.reversal());
            }
        }
    }

    /// Takes back notes made since a disbursement that did not happen.
    fn take_back_notes_of_undone(&mut self, cause: Cause) {
        let undone = self.transactions.iter().rfind(|one| {
            one.kind == TransactionKind::Disbursement
                && one.reversed.is_some_and(|reversal| reversal.sequence == cause.sequence)
        });
        let Some((day, id)) = undone.map(|one| (one.on, one.id)) else { return };
        for one in self.transactions.iter_mut().filter(|one| one.id > id && one.on >= day) {
            if one.stands() && one.kind == TransactionKind::AccrualActivity {
                one.reversed = Some(cause.reversal());
            }
        }
    }
}

impl Entry {
    /// The operation as the cause of what is recognised.
    fn cause(&self) -> Cause {
        Cause { sequence: self.sequence, recorded_on: self.recorded_on }
    }
}
