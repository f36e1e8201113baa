//! Finding the unknown amount of a loan.

use rust_decimal::Decimal;

use super::course::{Accrual, Outlook};
use super::{Amortisation, Line, Pay, Rule, Run, State};
use crate::domain::decimal;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::context::Context;
use crate::domain::loan::terms::{Levelling, RoundingFamily};

/// The digits of an amount that a search by subtraction leaves exact.
const EXACT: Context = Context::HALF_EVEN_22;

/// How a real run ends.
struct Trial {
    /// The last period in which anything is paid.
    end: usize,
    /// How much more than the others its instalment is.
    gap: Option<Decimal>,
}

impl Amortisation<'_> {
    /// The amount for the instalments of an outlook as it is found in a period of it, rounded and
    /// levelled. `state` is the one the outlook opens with.
    pub(super) fn unknown(
        &self,
        state: &State,
        outlook: &Outlook,
        period: usize,
    ) -> Result<Decimal, ScheduleError> {
        if let Some(agreed) = self.terms.instalment {
            return Ok(agreed);
        }
        let later = self.rules.get(outlook.from..).unwrap_or_default();
        let level = later.iter().any(|rule| matches!(rule.pay, Pay::Level { .. }));
        let part = later.iter().any(|rule| matches!(rule.pay, Pay::Part { .. }));
        if !level && !part {
            return Ok(Decimal::ZERO);
        }
        // The last digits are noise of the search and could turn a tie.
        let exact = EXACT.round(self.root(state, outlook, period)?)?;
        let exact = self.money.context.round(exact)?;
        if part {
            return self.money.round(exact);
        }
        let rounding = &self.terms.rounding;
        let amount = match (rounding.family, rounding.multiple) {
            _ if rounding.at_once().is_some() => self.instalment(exact)?,
            // The cumulative family rounds to the multiple at once, the others to the cent first.
            (RoundingFamily::Cumulative, Some(_)) => self.money.round(self.multiple(exact)?)?,
            _ => self.multiple(self.money.round(exact)?)?,
        };
        self.levelled(state, outlook, amount)
    }

    /// The amount with which an unrounded run ends with the balloon alone.
    ///
    /// The end falls in a straight line as the amount grows, so two trials give the root. A period
    /// whose interest outgrows the amount is taken to add the rest to the balance, as the closed
    /// formula of the annuity does; where the terms carry it instead, the last instalment takes
    /// the difference.
    fn root(
        &self,
        state: &State,
        outlook: &Outlook,
        period: usize,
    ) -> Result<Decimal, ScheduleError> {
        let balance = decimal::add(state.balance, self.lent_at_once(outlook, period)?)?;
        let lent = outlook.accrual(outlook.from).map_or(Ok(Decimal::ZERO), Accrual::lent)?;
        let one = decimal::add(balance, lent)?.max(Decimal::ONE);
        let at_zero = self.end(balance, outlook, Decimal::ZERO)?;
        let at_one = self.end(balance, outlook, one)?;
        let slope = decimal::sub(at_zero, at_one)?;
        if slope <= Decimal::ZERO {
            return Err(ScheduleError::NoSolution {
                reason: "No amount of the instalments repays the loan.".into(),
            });
        }
        Ok(decimal::mul(one, decimal::div(at_zero, slope)?)?.max(Decimal::ZERO))
    }

    /// What the cumulative family takes to be lent at the start of an outlook: the tranches in it,
    /// or of a flat loan those up to a period.
    fn lent_at_once(&self, outlook: &Outlook, period: usize) -> Result<Decimal, ScheduleError> {
        let mut sum = Decimal::ZERO;
        if self.is_cumulative() {
            let end = if self.parts_of_lent() { period + 1 } else { outlook.end() };
            for accrual in (outlook.from..end).filter_map(|period| outlook.accrual(period)) {
                sum = decimal::add(sum, accrual.lent()?)?;
            }
        }
        Ok(sum)
    }

    /// What an unrounded run from a balance leaves beyond the balloon.
    fn end(
        &self,
        balance: Decimal,
        outlook: &Outlook,
        amount: Decimal,
    ) -> Result<Decimal, ScheduleError> {
        // What an odd period left to be carried is for the last instalment, as is what rounding does.
        let mut state = State { balance, ..State::default() };
        for period in outlook.from..outlook.end() {
            let Some(accrual) = outlook.accrual(period) else { break };
            let lent = if self.is_cumulative() { Decimal::ZERO } else { accrual.lent()? };
            let free = self.rules.get(period).is_some_and(|rule| rule.free);
            let interest = match &self.given {
                Some(given) => given.get(period).copied().unwrap_or_default(),
                None if free => Decimal::ZERO,
                None => decimal::mul(decimal::add(state.balance, lent)?, accrual.factor()?)?,
            };
            self.step(period, &mut state, amount, interest, lent, Run::Trial)?;
        }
        let left = decimal::add(state.balance, state.carried)?;
        Ok(decimal::sub(left, self.terms.balloon)?)
    }

    /// Corrects a rounded level amount so that the last instalment differs little.
    fn levelled(
        &self,
        state: &State,
        outlook: &Outlook,
        amount: Decimal,
    ) -> Result<Decimal, ScheduleError> {
        let level = |rule: &&Rule| matches!(rule.pay, Pay::Level { .. });
        let later = self.rules.get(outlook.from..).unwrap_or_default();
        let count = Decimal::from(later.iter().filter(level).count());
        let half = decimal::div(count, Decimal::TWO)?.floor();
        let unit = self.money.unit();
        let (rounds, bound) = match self.terms.rounding.levelling() {
            Levelling::Off => return Ok(amount),
            Levelling::Smooth if half.is_zero() => return Ok(amount),
            Levelling::Smooth => (3, decimal::mul(half, unit)?),
            Levelling::Remainder => (20, decimal::mul(count, unit)?),
        };
        let mut amount = amount;
        let mut now = self.trial(state, outlook, amount)?;
        for _ in 0..rounds {
            let Some(gap) = now.gap.filter(|gap| gap.abs() > bound) else { break };
            let share = self.money.round(self.money.context.div(gap, count)?)?;
            let candidate = self.multiple(decimal::add(amount, share)?)?;
            if candidate == amount {
                break;
            }
            let after = self.trial(state, outlook, candidate)?;
            let farther = after.gap.is_some_and(|after| after.abs() >= gap.abs());
            if farther || after.end < now.end {
                break;
            }
            (amount, now) = (candidate, after);
        }
        Ok(amount)
    }

    /// A real run that meets nothing new.
    fn trial(
        &self,
        state: &State,
        outlook: &Outlook,
        amount: Decimal,
    ) -> Result<Trial, ScheduleError> {
        let mut state = *state;
        let mut last = None;
        for period in outlook.from..outlook.end() {
            let Some(accrual) = outlook.accrual(period) else { break };
            let line = self.line(period, &mut state, amount, accrual)?;
            // A loan repaid early ends with the last line that pays anything.
            if period > outlook.from && !line.is_empty() {
                last = Some((period, line));
            }
        }
        match last {
            Some((end, line)) => Ok(Trial { end, gap: self.gap(amount, end, &line)? }),
            None => Ok(Trial { end: outlook.from, gap: None }),
        }
    }

    /// How much more the last line is than its rule says, balloon and deferred interest apart;
    /// nothing where no rule says how much it should be.
    pub(super) fn gap(
        &self,
        amount: Decimal,
        period: usize,
        line: &Line,
    ) -> Result<Option<Decimal>, ScheduleError> {
        let (usual, real) = match self.rules.get(period).map(|rule| rule.pay) {
            Some(pay @ Pay::Level { .. }) => {
                let paid = decimal::add(line.principal, line.interest)?;
                (self.pay(pay, amount, Run::Real)?, decimal::sub(paid, line.deferred)?)
            }
            Some(Pay::Part { weight, shift }) => {
                (self.part(weight, shift, amount, line.interest, Run::Real)?, line.principal)
            }
            _ => return Ok(None),
        };
        Ok(Some(decimal::sub(decimal::sub(real, self.terms.balloon)?, usual)?))
    }
}
