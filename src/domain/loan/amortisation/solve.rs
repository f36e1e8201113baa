//! Finding the unknown amount of a loan.

use rust_decimal::Decimal;

use super::{Accrual, Amortisation, Line, Pay, Run, State};
use crate::domain::decimal;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::terms::{Levelling, RoundingFamily};

/// Most trials for a bent line; each at least halves the interval.
const TRIALS_MAX: u32 = 200;
/// Most doublings to find an amount that is too large.
const DOUBLINGS_MAX: u32 = 100;

/// The periods from one on as they look at a moment: the interest factor of each.
struct Outlook {
    from: usize,
    factors: Vec<Decimal>,
    /// Lent in the first of them.
    lent: Decimal,
}

impl Amortisation<'_> {
    /// The amount for the instalments from a period on, rounded and levelled.
    pub(super) fn unknown(
        &mut self,
        from: usize,
        state: &State,
        accrual: &Accrual,
    ) -> Result<Decimal, ScheduleError> {
        if let Some(agreed) = self.terms.instalment {
            return Ok(agreed);
        }
        let later = self.rules.get(from..).unwrap_or_default();
        let level = later.iter().any(|rule| matches!(rule.pay, Pay::Level { .. }));
        let part = later.iter().any(|rule| matches!(rule.pay, Pay::Part { .. }));
        if !level && !part {
            return Ok(Decimal::ZERO);
        }
        let outlook = self.outlook(from, accrual)?;
        // The digits beyond the context's are noise of the search and could turn a tie.
        let exact = self.money.context.round(self.root(state, &outlook)?)?;
        if part {
            return self.money.round(exact);
        }
        let amount = match (self.terms.rounding.family, self.terms.rounding.multiple) {
            // The cumulative family rounds to the multiple at once, the others to the cent first.
            (RoundingFamily::Cumulative, Some(_)) => self.money.round(self.multiple(exact)?)?,
            _ => self.multiple(self.money.round(exact)?)?,
        };
        self.levelled(from, state, accrual, amount)
    }

    /// What is known of the periods from one on: today's rate, no further tranche.
    fn outlook(&mut self, from: usize, accrual: &Accrual) -> Result<Outlook, ScheduleError> {
        let known = self.course.rates_known(from);
        let mut factors = Vec::with_capacity(self.course.len() - from);
        for period in from..self.course.len() {
            let free = self.rules.get(period).is_some_and(|rule| rule.free);
            let factor = if free {
                Decimal::ZERO
            } else if period == from {
                accrual.factor()?
            } else {
                self.course.accrual(period, known, false)?.factor()?
            };
            factors.push(factor);
        }
        Ok(Outlook { from, factors, lent: accrual.lent()? })
    }

    /// The amount with which an unrounded run ends with the balloon alone.
    ///
    /// The end falls in a straight line as the amount grows, so two trials give the root; where
    /// interest is carried rather than added to the balance the line has bends, and the root is
    /// closed in on from both sides.
    fn root(&self, state: &State, outlook: &Outlook) -> Result<Decimal, ScheduleError> {
        let one = decimal::add(state.balance, outlook.lent)?.max(Decimal::ONE);
        let at_zero = self.end(state, outlook, Decimal::ZERO, Run::Straight)?;
        let at_one = self.end(state, outlook, one, Run::Straight)?;
        let slope = decimal::sub(at_zero, at_one)?;
        if slope <= Decimal::ZERO {
            return Err(ScheduleError::NoSolution {
                reason: "No amount of the instalments repays the loan.".into(),
            });
        }
        let straight =
            decimal::div(decimal::mul(one, decimal::div(at_zero, slope)?)?, Decimal::ONE)?;
        let straight = straight.max(Decimal::ZERO);
        let end = self.end(state, outlook, straight, Run::Bent)?;
        if end.abs() <= self.tolerance(slope, one)? {
            return Ok(straight);
        }
        self.bent_root(state, outlook, straight)
    }

    /// An end that moves the amount by less than a millionth of the smallest unit is none.
    fn tolerance(&self, slope: Decimal, one: Decimal) -> Result<Decimal, ScheduleError> {
        let millionth = decimal::mul(self.money.unit(), Decimal::new(1, 6))?;
        Ok(decimal::mul(decimal::div(slope, one)?, millionth)?.max(Decimal::new(1, 18)))
    }

    fn bent_root(
        &self,
        state: &State,
        outlook: &Outlook,
        near: Decimal,
    ) -> Result<Decimal, ScheduleError> {
        let (mut low, mut high) = (Decimal::ZERO, near.max(Decimal::ONE));
        for _ in 0..DOUBLINGS_MAX {
            if self.end(state, outlook, high, Run::Bent)? <= Decimal::ZERO {
                break;
            }
            low = high;
            high = decimal::add(high, high)?;
        }
        let wanted = decimal::mul(self.money.unit(), Decimal::new(1, 6))?;
        for _ in 0..TRIALS_MAX {
            if decimal::sub(high, low)? <= wanted {
                break;
            }
            let middle = decimal::div(decimal::add(low, high)?, Decimal::TWO)?;
            if self.end(state, outlook, middle, Run::Bent)? > Decimal::ZERO {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(high)
    }

    /// What an unrounded run leaves beyond the balloon.
    fn end(
        &self,
        state: &State,
        outlook: &Outlook,
        amount: Decimal,
        run: Run,
    ) -> Result<Decimal, ScheduleError> {
        let mut state = *state;
        for (offset, factor) in outlook.factors.iter().enumerate() {
            let period = outlook.from + offset;
            let lent = if offset == 0 { outlook.lent } else { Decimal::ZERO };
            let interest = match &self.given {
                Some(given) => given.get(period).copied().unwrap_or_default(),
                None => decimal::mul(decimal::add(state.balance, lent)?, *factor)?,
            };
            self.step(period, &mut state, amount, interest, lent, run)?;
        }
        let left = decimal::add(state.balance, state.carried)?;
        Ok(decimal::sub(left, self.terms.balloon)?)
    }

    /// Corrects a rounded level amount so that the last instalment differs little.
    fn levelled(
        &mut self,
        from: usize,
        state: &State,
        accrual: &Accrual,
        amount: Decimal,
    ) -> Result<Decimal, ScheduleError> {
        let count = Decimal::from(self.course.len() - from);
        let half = decimal::div(count, Decimal::TWO)?.floor();
        let unit = self.money.unit();
        let (rounds, bound) = match self.terms.rounding.levelling() {
            Levelling::Off => return Ok(amount),
            Levelling::Smooth if half.is_zero() => return Ok(amount),
            Levelling::Smooth => (3, decimal::mul(half, unit)?),
            Levelling::Remainder => (20, decimal::mul(count, unit)?),
        };
        let mut amount = amount;
        let mut gap = self.trial_gap(from, state, accrual, amount)?;
        for _ in 0..rounds {
            let Some(now) = gap.filter(|gap| gap.abs() > bound) else { break };
            let share = self.money.round(self.money.context.div(now, count)?)?;
            let candidate = self.multiple(decimal::add(amount, share)?)?;
            if candidate == amount {
                break;
            }
            let after = self.trial_gap(from, state, accrual, candidate)?;
            if after.is_some_and(|after| after.abs() >= now.abs()) {
                break;
            }
            (amount, gap) = (candidate, after);
        }
        Ok(amount)
    }

    /// How much more than the others the last instalment is in a real run that meets nothing new.
    fn trial_gap(
        &mut self,
        from: usize,
        state: &State,
        accrual: &Accrual,
        amount: Decimal,
    ) -> Result<Option<Decimal>, ScheduleError> {
        let known = self.course.rates_known(from);
        let mut state = *state;
        let mut last = self.line(from, &mut state, amount, accrual)?;
        for period in from + 1..self.course.len() {
            let accrual = self.course.accrual(period, known, false)?;
            last = self.line(period, &mut state, amount, &accrual)?;
        }
        self.gap(amount, Some(&last))
    }

    /// How much more the last line is than its rule says, balloon and deferred interest apart;
    /// nothing where no rule says how much it should be.
    pub(super) fn gap(
        &self,
        amount: Decimal,
        last: Option<&Line>,
    ) -> Result<Option<Decimal>, ScheduleError> {
        let (Some(rule), Some(last)) = (self.rules.last(), last) else { return Ok(None) };
        let (usual, real) = match rule.pay {
            Pay::Level { .. } => {
                let paid = decimal::add(last.principal, last.interest)?;
                (self.pay(rule.pay, amount, Run::Real)?, decimal::sub(paid, last.deferred)?)
            }
            Pay::Part { weight, shift } => {
                (self.part(weight, shift, amount, last.interest, Run::Real)?, last.principal)
            }
            _ => return Ok(None),
        };
        Ok(Some(decimal::sub(decimal::sub(real, self.terms.balloon)?, usual)?))
    }
}
