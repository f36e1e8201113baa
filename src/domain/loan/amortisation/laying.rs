//! A schedule laid line by line, for balances that are only known as they come.

use rust_decimal::Decimal;

use super::course::Tranche;
use super::{Amortisation, Line, Run, State};
use crate::domain::loan::ScheduleError;

impl Amortisation<'_> {
    /// The amount that the instalments from a period on follow if a balance is to be repaid.
    pub(crate) fn solve_from(
        &mut self,
        period: usize,
        balance: Decimal,
    ) -> Result<Decimal, ScheduleError> {
        let outlook = self.course.outlook(period)?;
        self.unknown(&State { balance, ..State::default() }, &outlook, period)
    }

    /// Whether the instalments from a period on follow another amount than those before it: the
    /// rate changes, or those before it are agreed one by one.
    pub(crate) fn starts_anew(&self, period: usize) -> bool {
        period == 0
            || period == self.base()
            || (self.terms.recast && self.course.rate_turns(period))
    }

    /// The interest of a period on a balance that changes within it.
    pub(crate) fn interest(
        &mut self,
        period: usize,
        opening: Decimal,
        changes: Vec<Tranche>,
    ) -> Result<Decimal, ScheduleError> {
        if self.rules.get(period).is_some_and(|rule| rule.free) {
            return Ok(Decimal::ZERO);
        }
        self.course.interest(period, opening, changes, &self.money)
    }

    /// What an instalment asks for of the balance it finds.
    pub(crate) fn lay(
        &self,
        period: usize,
        state: &mut State,
        amount: Decimal,
        interest: Decimal,
    ) -> Result<Line, ScheduleError> {
        self.step(period, state, amount, interest, Decimal::ZERO, Run::Real)
    }

    /// The interest of a balance between two dates after the last period.
    pub(crate) fn interest_after(
        &mut self,
        from: chrono::NaiveDate,
        until: chrono::NaiveDate,
        balance: Decimal,
    ) -> Result<Decimal, ScheduleError> {
        self.course.interest_between(from, until, balance, &self.money)
    }
}
