//! The two rules of the model: instalments are solved and levelled, and the last one that is not
//! fully paid takes the difference.

use rust_decimal::Decimal;

use super::ProgressiveModel;
use super::period::Period;
use crate::domain::decimal;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::context::amount;
use crate::domain::loan::level::certain_round;
use crate::domain::loan::terms::Levelling;
use crate::domain::money::round_to_multiple;

/// Most rounds of smoothing.
const SMOOTHING_MAX: u32 = 3;
/// Most rounds of spreading the remainder.
const REMAINDER_MAX: u32 = 20;

/// Relative error of a step in floating point: more than sixteen roundings of 2^-53.
const STEP_ERROR: f64 = 2e-15;
/// What every number on the way to an instalment is below where decimals hold it exactly.
const EXACT_MAX: f64 = 1e27;

impl ProgressiveModel {
    /// Solves the instalments of the periods from `from` on, levels them and lets the last one take
    /// the difference.
    pub(super) fn plan(&mut self, from: usize) -> Result<(), ScheduleError> {
        self.solve(from)?;
        self.refresh(from)?;
        self.settle()?;
        match self.rules.rounding.levelling() {
            Levelling::Off => Ok(()),
            _ if self.rules.instalment.is_some() => Ok(()),
            Levelling::Smooth => {
                self.level(from, SMOOTHING_MAX, |gap, count| count / 2 > 0 && gap.abs() > count / 2)
            }
            Levelling::Remainder => self.level(from, REMAINDER_MAX, |gap, count| gap.abs() > count),
        }
    }

    /// The equal instalment of the periods from `from` on.
    ///
    /// With factors fₖ and balance B: A = B·Π(1 + fₖ) / (1 + (1 + fₙ)(1 + (1 + fₙ₋₁)(…))), the
    /// future value of the balance over that of payments of one; periods of interest only leave
    /// the balance as it is and have no part in it.
    fn solve(&mut self, from: usize) -> Result<(), ScheduleError> {
        let instalment = match self.rules.instalment {
            Some(agreed) => self.minor(agreed)?,
            None => match self.certain_instalment(from) {
                Some(instalment) => self.multiple(instalment)?,
                None => self.exact_instalment(from)?,
            },
        };
        self.set_instalments(from, instalment);
        Ok(())
    }

    pub(super) fn exact_instalment(&self, from: usize) -> Result<i128, ScheduleError> {
        let context = self.rules.context();
        let (mut growth, mut payments) = (Decimal::ONE, Decimal::ZERO);
        for index in from..self.periods.len() {
            if self.periods.get(index).is_some_and(|period| period.interest_only) {
                continue;
            }
            let grown = match self.segments.get(self.segments_of(index)).unwrap_or_default() {
                [only] => context.one_plus(only.factor)?,
                several => several
                    .iter()
                    .try_fold(Decimal::ONE, |sum, segment| decimal::add(sum, segment.factor))?,
            };
            growth = context.mul(growth, grown)?;
            payments = if payments.is_zero() {
                Decimal::ONE
            } else {
                context.round(context.one_plus(context.mul(payments, grown)?)?)?
            };
        }
        if payments.is_zero() {
            return Ok(0);
        }
        let balance = Decimal::from(self.balance_before(from));
        let exact = context.div(context.mul(growth, balance)?, payments)?;
        let rounding = &self.rules.rounding;
        match rounding.at_once() {
            Some(at_once) => {
                let units = decimal::mul(exact, Decimal::new(1, rounding.minor_units))?;
                self.minor(rounding.round_at_once(units, at_once)?)
            }
            None => self.multiple(context.minor(exact, 0)?),
        }
    }

    /// The same in floating point, rounded to the minor unit: nothing where its error leaves two
    /// answers, where the exact arithmetic might be out of range, or where the exact instalment is
    /// rounded to a multiple at once.
    pub(super) fn certain_instalment(&self, from: usize) -> Option<i128> {
        if self.rules.rounding.at_once().is_some() {
            return None;
        }
        let context = self.rules.context();
        let (mut growth, mut payments, mut steps) = (1.0, 0.0, 0.0);
        let mut last = (Decimal::ZERO, 0.0);
        for index in from..self.periods.len() {
            if self.periods.get(index)?.interest_only {
                continue;
            }
            let mut grown = 1.0;
            for segment in self.segments.get(self.segments_of(index))? {
                // Most neighbours have the same factor.
                if segment.factor.serialize() != last.0.serialize() {
                    last = (segment.factor, close_f64(segment.factor));
                }
                grown += last.1;
                steps += 1.0;
            }
            if grown < 1.0 {
                return None;
            }
            growth *= grown;
            payments = payments * grown + 1.0;
        }
        let repaid = growth * self.balance_before(from) as f64;
        if payments == 0.0 || repaid.max(payments) >= EXACT_MAX {
            return None;
        }
        // Both sides round at most three times a step, by half a unit of their last digit.
        let digits = i32::try_from(context.digits()).ok()?;
        let error = steps * (STEP_ERROR + 16.0 * 10f64.powi(-digits));
        let exact = repaid / payments;
        certain_round(exact, exact * error, context.mode()).map(i128::from)
    }

    /// What is to be repaid from a period on: the balance before it and what is lent within it, but
    /// no more than the instalments before it leave to be asked for. Principal that was overdue may
    /// bear interest beyond the day it is paid, and is in the balance until then.
    fn balance_before(&self, index: usize) -> i128 {
        let before = index.checked_sub(1).and_then(|before| self.periods.get(before));
        let lent: i128 = self
            .segments
            .get(self.segments_of(index))
            .unwrap_or_default()
            .iter()
            .map(|segment| segment.disbursed)
            .sum();
        let asked = self.periods.iter().take(index).map(Period::due_principal).sum::<i128>();
        (before.map_or(0, |period| period.closing) + lent).min(self.credited() - asked)
    }

    /// An instalment rounded to the agreed multiple.
    fn multiple(&self, instalment: i128) -> Result<i128, ScheduleError> {
        let rounding = &self.rules.rounding;
        let Some(multiple) = rounding.multiple else { return Ok(instalment) };
        let mode = rounding.multiple_mode.unwrap_or(rounding.mode);
        let exact = amount(instalment, rounding.minor_units)?;
        self.minor(round_to_multiple(exact, multiple, mode)?)
    }

    /// Lets the last instalment that is not fully paid take what is left of everything lent and
    /// its interest. Where more than that was paid with it already, it is what was paid and the
    /// one before takes the rest. Principal counts as due: an instalment of which more was paid
    /// than it asks for leaves less to the others.
    pub(super) fn settle(&mut self) -> Result<(), ScheduleError> {
        let lent: i128 = self.segments.iter().map(|segment| segment.disbursed).sum();
        let (mut again, mut cut) = (false, false);
        for _ in 0..self.periods.len() + 1 {
            let left = self.periods.iter().fold(lent, |left, period| {
                left + period.charged_back_principal - period.due_principal()
            });
            // A larger instalment may make room for interest that was carried: that is left next.
            if left < 0 && again && !cut {
                return Ok(());
            }
            let open = |period: &Period| !period.fully_paid() && !period.interest_only;
            // What is lent when everything is paid is left for the last one of all.
            let all_paid = || self.periods.len().checked_sub(1).filter(|_| left > 0);
            let Some(last) = self.periods.iter().rposition(open).or_else(all_paid) else {
                return self.ask_for_the_rest();
            };
            let Some(period) = self.periods.get_mut(last) else { return Ok(()) };
            // Interest that it does not cover yet comes before principal.
            let uncovered = if left > 0 { period.carried().max(0) } else { 0 };
            let wanted = period.instalment + left + uncovered;
            let floor = period.paid() - period.beside();
            let before = std::mem::replace(&mut period.instalment, wanted.max(floor));
            if before == period.instalment {
                return self.ask_for_the_rest();
            }
            self.refresh_changed(last..=last)?;
            (again, cut) = (true, wanted < floor);
        }
        Ok(())
    }

    /// Once all principal is paid, interest that no instalment covers is asked for with those of the
    /// periods it accrued in.
    fn ask_for_the_rest(&mut self) -> Result<(), ScheduleError> {
        let uncovered = self.periods.last().map_or(0, Period::carried);
        if uncovered <= 0 || self.unpaid_principal() > 0 {
            return Ok(());
        }
        for at in 0..self.periods.len() {
            let Some(period) = self.periods.get_mut(at) else { break };
            if period.carried() > 0 {
                period.instalment = period.paid_principal + period.accrued - period.beside();
                self.refresh_changed(at..=at)?;
            }
        }
        Ok(())
    }

    /// Spreads the gap between the last instalment and the others over all from `from` on, as long
    /// as `worthwhile(gap, how many)` and the gap becomes smaller without ending the loan early.
    fn level(
        &mut self,
        from: usize,
        rounds: u32,
        worthwhile: impl Fn(i128, i128) -> bool,
    ) -> Result<(), ScheduleError> {
        let levelled = self.periods.iter().skip(from).filter(|period| !period.interest_only);
        let count = levelled.count() as i128;
        let context = self.rules.context();
        for _ in 0..rounds {
            let Some((usual, gap)) = gap_of(self.periods.get(from..).unwrap_or_default()) else {
                return Ok(());
            };
            if !worthwhile(gap, count) {
                return Ok(());
            }
            let shares = count - self.overpaid(from, usual);
            let share = context.div(Decimal::from(gap), Decimal::from(shares.max(1)))?;
            let candidate = self.multiple(usual + context.minor(share, 0)?)?;
            if candidate == usual {
                return Ok(());
            }
            let (before, empty) = (self.instalments(from), self.empty());
            self.set_instalments(from, candidate);
            self.refresh(from)?;
            self.settle()?;
            let nearer = gap_of(&self.periods).is_none_or(|(_, after)| after.abs() < gap.abs());
            if !nearer || self.empty() > empty {
                self.restore(from, &before);
                return self.refresh(from);
            }
            for period in self.periods.iter_mut().skip(from) {
                period.solved = period.instalment;
            }
        }
        Ok(())
    }

    /// Periods without an instalment.
    fn empty(&self) -> usize {
        self.periods.iter().filter(|period| period.instalment == 0).count()
    }

    /// Periods from `from` on of which more was paid than an instalment: they keep theirs.
    fn overpaid(&self, from: usize, instalment: i128) -> i128 {
        let later = self.periods.iter().skip(from);
        later.filter(|period| period.paid_of_instalment() > instalment).count() as i128
    }

    fn set_instalments(&mut self, from: usize, instalment: i128) {
        for period in self.periods.iter_mut().skip(from) {
            if instalment >= period.paid_of_instalment() && !period.interest_only {
                period.instalment = instalment;
                period.solved = instalment;
                period.with_interest = period.put_off;
            }
        }
    }

    fn instalments(&self, from: usize) -> Vec<(i128, i128)> {
        let amounts = |period: &Period| (period.instalment, period.solved);
        self.periods.iter().skip(from).map(amounts).collect()
    }

    fn restore(&mut self, from: usize, amounts: &[(i128, i128)]) {
        for (period, &(instalment, solved)) in self.periods.iter_mut().skip(from).zip(amounts) {
            (period.instalment, period.solved) = (instalment, solved);
        }
    }
}

/// A number within some units of the last digit of a double.
fn close_f64(value: Decimal) -> f64 {
    value.mantissa() as f64 / 10f64.powi(value.scale() as i32)
}

/// The last but one of the last two neighbours that are both not fully paid, and how much more the
/// last one is.
fn gap_of(periods: &[Period]) -> Option<(i128, i128)> {
    periods
        .windows(2)
        .rev()
        .filter_map(|pair| pair.first().zip(pair.last()))
        .find(|(usual, last)| usual.is_usual() && !last.put_off && !last.fully_paid())
        .map(|(usual, last)| (usual.instalment, last.instalment - usual.instalment))
}
