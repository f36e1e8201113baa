//! One line of a loan's schedule as it is served.

use std::cmp::Ordering;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::amounts::{Amounts, Component};
use super::seldom::Seldom;
use crate::domain::decimal::{self, ArithmeticError};
use crate::domain::loan::{Instalment, RowKind};

/// What a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// A regular instalment.
    #[default]
    Instalment,
    /// A part of a disbursement due on the day it is lent.
    DownPayment,
    /// A line after the last instalment, for what came up later: a charge, a chargeback.
    Additional,
    /// An instalment that re-ageing made.
    ReAged,
}

/// One line: what is due on a day and what became of it.
///
/// For each component `charged = paid + waived + written_off + outstanding`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Counted from one, down payments included.
    pub number: u32,
    /// What it is.
    #[serde(default)]
    pub kind: LineKind,
    /// The first day of its period, the due date before.
    pub period_start: NaiveDate,
    /// The day it is due.
    pub due_date: NaiveDate,
    /// Everything asked for, by component.
    #[serde(default)]
    pub charged: Amounts,
    /// What of the interest asked for other periods bore; below zero where later lines ask for what
    /// its own period bore.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub carried_over: Decimal,
    /// The part of `charged` that chargebacks put there.
    #[serde(default)]
    pub credited: Seldom,
    /// The part of `credited` that is principal and bears no interest before it is due: money that
    /// was given back and, as came out later, was not held.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub interest_free: Decimal,
    /// What was paid.
    #[serde(default)]
    pub paid: Amounts,
    /// What was forgiven.
    #[serde(default)]
    pub waived: Seldom,
    /// What was given up.
    #[serde(default)]
    pub written_off: Seldom,
    /// Of what was paid, the part that came before the due date.
    #[serde(default)]
    pub paid_in_advance: Decimal,
    /// Of what was paid, the part that came after the due date.
    #[serde(default)]
    pub paid_late: Decimal,
    /// The day nothing of it was outstanding any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_on: Option<NaiveDate>,
    /// What was recognised as income so far, by component.
    #[serde(default)]
    pub accrued: Seldom,
}

impl Line {
    /// What of a component is still owed.
    ///
    /// # Errors
    /// [`ArithmeticError`] for amounts beyond the exact range.
    pub fn outstanding_of(&self, component: Component) -> Result<Decimal, ArithmeticError> {
        let unpaid = decimal::sub(self.charged[component], self.paid[component])?;
        if self.waived.is_zero() && self.written_off.is_zero() {
            return Ok(unpaid);
        }
        decimal::sub(unpaid, decimal::add(self.waived[component], self.written_off[component])?)
    }

    /// What is still owed, by component.
    ///
    /// # Errors
    /// [`ArithmeticError`] for amounts beyond the exact range.
    pub fn outstanding(&self) -> Result<Amounts, ArithmeticError> {
        let unpaid = self.charged.minus(&self.paid)?;
        if self.waived.is_zero() && self.written_off.is_zero() {
            return Ok(unpaid);
        }
        unpaid.minus(&self.waived)?.minus(&self.written_off)
    }

    /// Whether nothing of it was forgiven, given up or charged back.
    pub(crate) fn is_plain(&self) -> bool {
        self.waived.is_zero() && self.written_off.is_zero() && self.credited.is_zero()
    }

    /// The interest of its period, asked for here or later: what was charged back was earned before.
    pub(crate) fn interest_borne(&self) -> Result<Decimal, ArithmeticError> {
        let asked = decimal::sub(self.charged.interest, self.credited.interest)?;
        if self.carried_over.is_zero() { Ok(asked) } else { decimal::sub(asked, self.carried_over) }
    }

    /// What it asks for beyond principal, with the interest of its own period.
    pub(crate) fn income(&self) -> Result<Amounts, ArithmeticError> {
        let interest = decimal::sub(self.charged.interest, self.carried_over)?;
        Ok(Amounts { principal: Decimal::ZERO, interest, ..self.charged })
    }

    /// Whether interest was forgiven with it that other periods bore.
    pub(crate) fn is_forgiven_for_others(&self) -> bool {
        self.carried_over > Decimal::ZERO && !self.waived.interest.is_zero()
    }

    /// Whether it is an instalment, for which the calculator of a progressive loan has a period.
    pub(crate) fn is_modelled(&self) -> bool {
        matches!(self.kind, LineKind::Instalment | LineKind::ReAged)
    }

    /// A line of an agreed schedule.
    pub(crate) fn agreed(row: &Instalment) -> Self {
        let kind = match row.kind {
            RowKind::Instalment => LineKind::Instalment,
            RowKind::DownPayment => LineKind::DownPayment,
        };
        Self {
            number: row.number,
            kind,
            period_start: row.period_start,
            due_date: row.due_date,
            charged: Amounts {
                principal: row.principal,
                interest: row.interest,
                fee: row.fees,
                penalty: Decimal::ZERO,
            },
            carried_over: row.carried_over,
            ..Self::default()
        }
    }

    /// Pays a component with at most an amount on a day and returns what it took.
    pub(crate) fn pay(
        &mut self,
        component: Component,
        most: Decimal,
        on: NaiveDate,
    ) -> Result<Decimal, ArithmeticError> {
        let paid = most.min(self.outstanding_of(component)?).max(Decimal::ZERO);
        if !paid.is_zero() {
            self.paid.add(component, paid)?;
            if on < self.due_date {
                self.paid_in_advance = decimal::add(self.paid_in_advance, paid)?;
            } else if on > self.due_date {
                self.paid_late = decimal::add(self.paid_late, paid)?;
            }
        }
        self.settled_on = if self.owes_nothing()? { Some(on) } else { None };
        Ok(paid)
    }

    /// Notes on a day whether anything is owed: a line becomes settled, or is not any more.
    pub(crate) fn note_settlement(&mut self, on: NaiveDate) -> Result<(), ArithmeticError> {
        match (self.settled_on, self.owes_nothing()?) {
            (None, true) => self.settled_on = Some(on),
            (Some(_), false) => self.settled_on = None,
            _ => {}
        }
        Ok(())
    }

    /// Whether nothing is outstanding in all. More may have been paid of one component than is
    /// asked for, and less of another, where a charge-off changed what is asked for.
    pub(crate) fn owes_nothing(&self) -> Result<bool, ArithmeticError> {
        if self.waived.is_zero() && self.written_off.is_zero() {
            // Where no component is overpaid no sum is needed.
            let standing = |one| self.paid[one].cmp(&self.charged[one]);
            let standings = Component::ALL.map(standing);
            if !standings.contains(&Ordering::Greater) {
                return Ok(!standings.contains(&Ordering::Less));
            }
        }
        Ok(self.outstanding()?.total()?.is_zero())
    }

    /// Whether nothing is owed any more.
    pub fn is_settled(&self) -> bool {
        self.settled_on.is_some()
    }
}
