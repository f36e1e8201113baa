//! Fixed loans whose interest follows what is really owed.
//!
//! Their lines are laid one after the other, each with everything that was paid until it is due:
//!
//! - Principal that is past due bears interest until it is paid, or until today.
//! - Of a payment, what the lines past due leave over lowers the balance that bears interest from
//!   its day on, and pays the line of its period when that is due.
//! - What a line does not need repays principal beyond it. The terms say what that changes: the
//!   instalments, their number, or the next of them.
//! - What was charged back is due with the next line, without interest before that.
//!
//! With interest that follows payments from the due date after each, "its day" and "today" are the
//! due dates that follow them. Once the lines are laid, payments run over them as over all others.

mod layer;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use chrono::NaiveDate;

use self::layer::Layer;
use super::super::state::line::Line;
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Transaction, TransactionKind};
use super::super::state::variation::{Change, Variation};
use super::super::terms::Recalculation;
use crate::domain::loan::ScheduleTerms;
use crate::domain::loan::amendment::Amendments;
use crate::domain::loan::plan::Plan;
use crate::domain::loan::terms::{Method, NegativeAmortisation};

impl Loan {
    /// Whether the interest of a fixed loan follows what is really owed.
    pub(crate) fn is_recast(&self, terms: &ScheduleTerms) -> bool {
        let rate_later = |one: &Variation| {
            one.active && matches!(one.change, Change::Rate(rate) if !rate.is_zero())
        };
        self.model.is_none()
            && self.terms.servicing.recalculation.interest != Recalculation::None
            && !matches!(terms.method, Method::Flat | Method::SimpleInterest)
            && (self.bears_interest() || self.variations.iter().any(rate_later))
            && self.is_lent()
    }

    /// The lines of the terms as they are really lent, laid by what was paid.
    pub(crate) fn recast_lines(
        &self,
        terms: &ScheduleTerms,
        amendments: &Amendments,
    ) -> Result<Vec<Line>, ServicingError> {
        let mut terms = terms.clone();
        if terms.negative_amortisation == NegativeAmortisation::Refuse {
            // Who is late may owe more interest than an agreed instalment covers.
            terms.negative_amortisation = NegativeAmortisation::Defer;
        }
        let plan = Plan::amended(&terms, amendments)?;
        let mut layer = Layer::new(self, &terms, &plan, &amendments.pauses)?;
        for (index, period) in plan.periods.iter().enumerate() {
            layer.lay(index, period, plan.periods.len())?;
            if layer.is_repaid() {
                break;
            }
        }
        layer.ask_for_the_rest()?;
        layer.lay_after_the_end()?;
        layer.into_lines()
    }

    /// The payments and chargebacks that stand, in the order they take effect, until the loan was
    /// given up.
    fn payments(&self) -> VecDeque<Transaction> {
        let place = |one: &Transaction| (one.on, one.recorded_on, one.sequence, one.id);
        let end = self.lost_by().map(place);
        let pays = |one: &&Transaction| {
            one.stands()
                && (one.kind.is_payment() || one.kind == TransactionKind::Chargeback)
                && one.kind != TransactionKind::RepaymentAtDisbursement
                && end.is_none_or(|end| place(one) < end)
        };
        let mut all: Vec<Transaction> = self.transactions.iter().filter(pays).cloned().collect();
        all.sort_by_key(place);
        all.into()
    }

    /// The last day that is looked at: today, or the day the loan was given up or ended.
    fn looked_at_on(&self) -> NaiveDate {
        self.lost_by().map_or(self.today, |one| one.on.min(self.today))
    }

    /// What gave the loan up, took it for lost or ended it: its lines stay as they were.
    fn lost_by(&self) -> Option<&Transaction> {
        let ends =
            [TransactionKind::ChargeOff, TransactionKind::WriteOff, TransactionKind::Termination];
        let gives_up =
            |one: &&Transaction| ends.contains(&one.kind) && (one.stands() || self.waits(one));
        let standing = self.transactions.iter().filter(gives_up);
        standing.min_by_key(|one| (one.on, one.recorded_on, one.sequence, one.id))
    }
}
